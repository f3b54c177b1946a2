/**
 * The second entry point of this module, for the other modules of this package. It is not in the exports map of the
 * package: verifying signatures (devstore), and helpers of storage calls (server).
 */
export { type S3AuthCode, S3AuthError } from './auth-error.ts';
export { formatAmzDate } from './dates.ts';
export { encodeComponent, encodeKey } from './encode.ts';
export { loadOnce } from './load-once.ts';
export { checkContentLength, type PolicyToVerify, type VerifiedPolicy, verifyPolicy } from './policy.ts';
export { preloadStorage } from './preload.ts';
export { cutText } from './redact.ts';
export { storageError, toWaybillError } from './s3-error.ts';
export { type ChunkToSign, chunkSignature, computeSignature, emptyPayload, trailerSignature } from './sign.ts';
export { deriveSigningKey } from './signing-key.ts';
export {
  type PayloadBinding,
  type RequestToVerify,
  signatureMismatch,
  type VerifiedRequest,
  type VerifyOptions,
  verifyRequest,
} from './verify.ts';
export { isComplete, parseFlat, rootName } from './xml.ts';
