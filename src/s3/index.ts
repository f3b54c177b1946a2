/**
 * s3: what this project knows of S3. SigV4 signed and verified (query, header, POST policy, chunks), the operations a
 * server needs, and what each storage is known to enforce. Touches the network only through a given `fetch`.
 */
export { type S3AuthCode, S3AuthError } from './auth-error.ts';
export { capabilityPresets } from './capabilities.ts';
export type { CheckOptions, StorageFinding, StorageReport } from './check.ts';
export { awsCredentials, envCredentials } from './credentials.ts';
export { amzDateOf, parseAmzDate } from './dates.ts';
export { encodeComponent, encodeKey } from './encode.ts';
export { checkKey } from './key.ts';
export { checkContentLength, type PolicyToVerify, type VerifiedPolicy, verifyPolicy } from './policy.ts';
export { redact } from './redact.ts';
export { isS3Error, isTransient, S3Error, type S3ErrorOptions, toWaybillError } from './s3-error.ts';
export {
  algorithm,
  type ChunkToSign,
  chunkSignature,
  emptyPayload,
  trailerSignature,
  unsignedPayload,
} from './sign.ts';
export { deriveSigningKey, signingKeyOf } from './signing-key.ts';
export { s3Storage } from './storage.ts';
export type * from './types.ts';
export {
  type PayloadClaim,
  type RequestToVerify,
  signatureMismatch,
  type VerifiedRequest,
  type VerifyOptions,
  verifyRequest,
} from './verify.ts';
