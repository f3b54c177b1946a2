/**
 * Which uploads are of this deployment. Several may share a bucket and even a staging prefix: each completes, sweeps
 * and deletes its own uploads only.
 *
 * An `uploadId` ends with the mark of its deployment: 96 random bits and 32 that name it. So staged objects, parts,
 * sidecars and markers tell by their keys whose they are, and files by their metadata. The mark comes from the option
 * `deployment`, or else from the secret; a secret that is rotated out keeps its mark for as long as it is in the list.
 */
import { createHash } from 'node:crypto';
import type { TakeRandom } from './random-pool.ts';
import { deriveKey } from './secrets.ts';

export interface Deployment {
  /** Grants and receipts are sealed for it, so that no other deployment opens them. */
  audience: string;
  newUploadId(random: TakeRandom): string;
  isOwn(uploadId: string): boolean;
}

export interface DeploymentOptions {
  name: string | undefined;
  secrets: () => readonly string[];
  bucket: string;
  stagingPrefix: string;
}

const randomBytes = 12;
const markBytes = 4;

export function createDeployment({ name, secrets, bucket, stagingPrefix }: DeploymentOptions): Deployment {
  let known: readonly string[] | undefined;
  // At first use, because only then the secrets must be there.
  const marks = () => {
    known ??=
      name === undefined ? secrets().map((secret) => markOf(deriveKey(secret, 'deployment'))) : [markOf(hashOf(name))];
    return known;
  };
  return {
    audience: JSON.stringify([bucket, stagingPrefix, name ?? '']),
    newUploadId: (random) => random(randomBytes).toString('hex') + marks()[0],
    isOwn: (uploadId) => marks().some((mark) => uploadId.endsWith(mark)),
  };
}

function markOf(bytes: Buffer): string {
  return bytes.toString('hex', 0, markBytes);
}

function hashOf(name: string): Buffer {
  return createHash('sha256').update(`waybill deployment ${name}`).digest();
}
