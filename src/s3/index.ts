/**
 * s3: what this project knows of S3. SigV4 signed and verified (query, header, POST policy, chunks), the operations a
 * server needs, and what each storage is known to enforce. Touches the network only through a given `fetch`.
 */
export { type S3AuthCode, S3AuthError } from './auth-error.ts';
export { amzDateOf, parseAmzDate } from './dates.ts';
export { encodeComponent, encodeKey } from './encode.ts';
export { checkContentLength, type PolicyToVerify, type VerifiedPolicy, verifyPolicy } from './policy.ts';
export {
  algorithm,
  type ChunkToSign,
  chunkSignature,
  emptyPayload,
  trailerSignature,
  unsignedPayload,
} from './sign.ts';
export { deriveSigningKey, signingKeyOf } from './signing-key.ts';
export type * from './types.ts';
export {
  type PayloadClaim,
  type RequestToVerify,
  type VerifiedRequest,
  type VerifyOptions,
  verifyRequest,
} from './verify.ts';
