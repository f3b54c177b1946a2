/** Derives the signing key for one day, region and service from a secret. */
import { createHmac } from 'node:crypto';
import type { Credentials } from './types.ts';

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#calculate-signature */
export function deriveSigningKey(secretAccessKey: string, day: string, region: string, service = 's3'): Buffer {
  let key: Buffer | string = `AWS4${secretAccessKey}`;
  for (const step of [day, region, service, 'aws4_request']) key = createHmac('sha256', key).update(step).digest();
  return key as Buffer;
}

interface CachedKey {
  secretAccessKey: string;
  day: string;
  region: string;
  key: Buffer;
}

/** The last key of each credentials object. The map is weak, so that rotated credentials are freed. */
const cachedKeys = new WeakMap<Credentials, CachedKey>();

/** {@link deriveSigningKey}, cached for the last day and region of each credentials object. */
export function getSigningKey(credentials: Credentials, day: string, region: string): Buffer {
  const last = cachedKeys.get(credentials);
  const { secretAccessKey } = credentials;
  if (last && last.day === day && last.region === region && last.secretAccessKey === secretAccessKey) return last.key;
  const key = deriveSigningKey(secretAccessKey, day, region);
  cachedKeys.set(credentials, { secretAccessKey, day, region, key });
  return key;
}
