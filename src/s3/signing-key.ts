/** The HMAC chain from a secret to the key that signs for one day, one region, one service. */
import { createHmac } from 'node:crypto';
import type { Credentials } from './types.ts';

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#calculate-signature */
export function deriveSigningKey(secretAccessKey: string, day: string, region: string, service = 's3'): Buffer {
  let key: Buffer | string = `AWS4${secretAccessKey}`;
  for (const step of [day, region, service, 'aws4_request']) key = createHmac('sha256', key).update(step).digest();
  return key as Buffer;
}

interface Remembered {
  secretAccessKey: string;
  day: string;
  region: string;
  key: Buffer;
}

/** A memo of a pure function: weak, so that rotated credentials take their keys with them. */
const remembered = new WeakMap<Credentials, Remembered>();

/** {@link deriveSigningKey}, remembering for each credentials object the key it was last asked for. */
export function signingKeyOf(credentials: Credentials, day: string, region: string): Buffer {
  const last = remembered.get(credentials);
  const { secretAccessKey } = credentials;
  if (last && last.day === day && last.region === region && last.secretAccessKey === secretAccessKey) return last.key;
  const key = deriveSigningKey(secretAccessKey, day, region);
  remembered.set(credentials, { secretAccessKey, day, region, key });
  return key;
}
