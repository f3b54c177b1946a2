/**
 * Hints for errors of configuration: what to change, by the error code of the storage or by the system's error code
 * of a failed connection.
 */

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const hintsByErrorCode: ReadonlyMap<string, string> = new Map([
  ['NoSuchBucket', 'The bucket does not exist. Check `bucket` and `endpoint`, or create the bucket.'],
  ['InvalidBucketName', 'The storage does not allow this bucket name. Check `bucket`.'],
  ['InvalidAccessKeyId', 'The storage does not know this access key. Check `credentials`.'],
  [
    'SignatureDoesNotMatch',
    'The signature does not match. Check the secret access key, ' +
      'and that `endpoint` names the host that the storage sees.',
  ],
  ['InvalidToken', 'The session token is not valid. Check `credentials`.'],
  ['ExpiredToken', 'The session token has expired. Give `credentials` as a function that renews them.'],
  ['AllAccessDisabled', 'The storage has disabled all access to this bucket.'],
  ['AccessDenied', 'These credentials may not do this. docs/storage.md has the policy that the server needs.'],
  ['AuthorizationHeaderMalformed', 'The region of the signature is wrong. Check `region`.'],
  ['PermanentRedirect', 'The bucket is at another endpoint. Check `region` and `endpoint`.'],
  ['TemporaryRedirect', 'The bucket is at another endpoint. Check `region` and `endpoint`.'],
  ['IllegalLocationConstraintException', 'The bucket is in another region. Check `region`.'],
  ['RequestTimeTooSkewed', 'The clock of this machine differs from that of the storage by more than a day. Set it.'],
  [
    'MethodNotAllowed',
    'The endpoint does not support this request. Check that `endpoint` is the API of the storage and not its console.',
  ],
  ['NotImplemented', 'The storage does not support this request. Check `capabilities`.'],
]);

const untrusted = 'This machine does not trust the certificate of the storage. Set NODE_EXTRA_CA_CERTS.';
const unreachable = 'The storage cannot be reached from this machine. Check `endpoint` and the network.';

/**
 * https://nodejs.org/api/errors.html#common-system-errors and, for certificates,
 * https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
const hintsBySystemCode: ReadonlyMap<string, string> = new Map([
  ['ENOTFOUND', 'The host name of the storage does not exist. Check `endpoint`, `region` and `pathStyle`.'],
  [
    'ECONNREFUSED',
    'Nothing answers at the address of the storage. Check `endpoint` and its port, and that the storage is running.',
  ],
  ['EHOSTUNREACH', unreachable],
  ['ENETUNREACH', unreachable],
  ['EPROTO', 'The storage does not speak TLS at this address. Check `http:` and `https:` in `endpoint`.'],
  ['CERT_HAS_EXPIRED', 'The certificate of the storage has expired.'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', untrusted],
  ['SELF_SIGNED_CERT_IN_CHAIN', untrusted],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', untrusted],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'The certificate is for another host name. Check `endpoint`, and `pathStyle` for a bucket whose name has dots.',
  ],
]);

/** Codes that mean a temporary problem when the storage has answered before. */
const temporary: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH']);

/** Returns what to change, or undefined when the error is not about the configuration. */
export function refusalHint({ code, message }: { code: string; message: string }): string | undefined {
  const region = /expecting '([a-z0-9-]{1,40})'/.exec(message)?.[1];
  if (code === 'AuthorizationHeaderMalformed' && region !== undefined)
    return `The region of the signature is wrong. Set \`region\` to '${region}'.`;
  return hintsByErrorCode.get(code);
}

export interface ConnectionProblem {
  /** The system's error code, such as ENOTFOUND. */
  code: string;
  hint: string | undefined;
  /** True when only a change of the configuration helps, so that a retry is pointless. */
  isPermanent: boolean;
}

/** @param hasResponded whether the storage has answered this process at least once */
export function describeConnectionError(error: unknown, hasResponded: boolean): ConnectionProblem | undefined {
  const code = findSystemCode(error);
  if (code === undefined) return undefined;
  const hint = hintsBySystemCode.get(code);
  return { code, hint, isPermanent: hint !== undefined && !(temporary.has(code) && hasResponded) };
}

function findSystemCode(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === 'string') return code;
    // An AggregateError has one error for each address of the host.
    if (at instanceof AggregateError && at.errors.length > 0) return findSystemCode(at.errors[0]);
  }
  return undefined;
}
