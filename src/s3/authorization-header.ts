/** SigV4 in the Authorization header, for the requests that this server sends itself. */

import { algorithm, canonicalRequest, headerBlock, stringToSign } from './sign.ts';
import type { SigningTime } from './signing-time.ts';

export interface RequestToAuthorize {
  method: string;
  /** Encoded. */
  path: string;
  /** Encoded and sorted. */
  query: string;
  /**
   * Lower-case names; all of them are signed. `content-length` is not among them: the sender derives it from the
   * body.
   */
  headers: Readonly<Record<string, string>>;
  /** Hex SHA-256 of the body. */
  payload: string;
}

/** Returns the headers to send: the request's own, `host`, and those of the signature. */
export function createAuthorizedHeaders(
  request: RequestToAuthorize,
  host: string,
  signingTime: SigningTime,
): Record<string, string> {
  const token = signingTime.credentials.sessionToken;
  const toSend: Record<string, string> = {
    host,
    ...request.headers,
    'x-amz-content-sha256': request.payload,
    'x-amz-date': signingTime.amzDate,
  };
  if (token) toSend['x-amz-security-token'] = token;
  const headers = headerBlock(
    Object.keys(toSend)
      .sort()
      .map((name) => [name, collapseSpaces(toSend[name] as string)] as const),
  );
  const canonical = canonicalRequest({ ...request, headers });
  const signature = signingTime.sign(stringToSign(signingTime.amzDate, signingTime.scope, canonical));
  const scope = `Credential=${signingTime.credential}, SignedHeaders=${headers.names}`;
  toSend.authorization = `${algorithm} ${scope}, Signature=${signature}`;
  return toSend;
}

function collapseSpaces(value: string): string {
  const trimmed = value.trim();
  return trimmed.includes('  ') ? trimmed.replaceAll(/ +/g, ' ') : trimmed;
}
