/**
 * s3: one bucket of an S3-compatible storage. It presigns requests for clients, sends the requests that a server needs,
 * and knows what each storage enforces. What only other modules of this package need is in internal.ts.
 */
export { capabilityPresets } from './capabilities.ts';
export { awsCredentials, envCredentials } from './credentials.ts';
export { redact } from './redact.ts';
export { isS3Error, S3Error, type S3ErrorOptions } from './s3-error.ts';
export { s3Storage } from './storage.ts';
export type * from './types.ts';
