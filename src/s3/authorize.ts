/** SigV4 in the Authorization header, for the requests this server sends itself. */
import type { Moment } from './moment.ts';
import { algorithm, canonicalRequest, headerBlock, stringToSign } from './sign.ts';

export interface RequestToAuthorize {
  method: string;
  /** Encoded. */
  path: string;
  /** Encoded and sorted. */
  query: string;
  /** Lower-case names; all of them are signed. `content-length` stays out: whoever sends takes it from the body. */
  headers: Readonly<Record<string, string>>;
  /** Hex SHA-256 of the body. */
  payload: string;
}

/** The headers to send, `host` included. */
export function authorize(request: RequestToAuthorize, host: string, moment: Moment): Record<string, string> {
  const token = moment.credentials.sessionToken;
  const toSend: Record<string, string> = {
    host,
    ...request.headers,
    'x-amz-content-sha256': request.payload,
    'x-amz-date': moment.amzDate,
  };
  if (token) toSend['x-amz-security-token'] = token;
  const headers = headerBlock(
    Object.keys(toSend)
      .sort()
      .map((name) => [name, folded(toSend[name] as string)] as const),
  );
  const canonical = canonicalRequest({ ...request, headers });
  const signature = moment.sign(stringToSign(moment.amzDate, moment.scope, canonical));
  toSend.authorization = `${algorithm} Credential=${moment.credential}, SignedHeaders=${headers.names}, Signature=${signature}`;
  return toSend;
}

function folded(value: string): string {
  const trimmed = value.trim();
  return trimmed.includes('  ') ? trimmed.replaceAll(/ +/g, ' ') : trimmed;
}
