/**
 * Recognises the uploads of this deployment. Several deployments may share a bucket and even a staging prefix, and each
 * completes, sweeps and deletes its own uploads only.
 *
 * An `uploadId` has 96 random bits and a mark of 32 bits that names the deployment. The keys of staged objects, parts,
 * sidecars and markers contain it, and so does the metadata of files. The mark is derived from the option
 * `deployment`, or from each secret in the list.
 */
import { createHash } from 'node:crypto';
import type { TakeRandom } from './random-pool.ts';
import { deriveKey } from './secrets.ts';

export interface Deployment {
  /** Part of the label that grants and receipts are sealed with, so that no other deployment opens them. */
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
  // At first use, because secrets may be missing before.
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
