/** Creates apps for tests of the sweep, with a clock that the test can put forward, and lists a bucket. */
import { MiB } from '../../src/protocol/index.ts';
import type { Storage } from '../../src/s3/index.ts';
import { type Ledger, type Owner, route, type UploadsEvent } from '../../src/server/index.ts';
import { deriveKey } from '../../src/server/shared/secrets.ts';
import { createParts, partSize } from './multipart.ts';
import { createTestApp, secret } from './server-app.ts';

const owner = (): Owner => ({ ownerId: 'anna' });
const limits = { maxBytes: 100 * MiB };
export const hour = 3_600_000;

export interface SweepAppOptions {
  storage: Storage;
  ledger: Ledger | undefined;
  /** Milliseconds that the app's clock is ahead. */
  clock: { offset: number };
}

export function createSweepApp(
  { storage, ledger, clock }: SweepAppOptions,
  definition: { fail?: () => boolean; refuse?: () => boolean } = {},
) {
  const announced: string[] = [];
  const events: UploadsEvent[] = [];
  const routes = {
    a: route({
      limits,
      authorize: owner,
      inspect: () => (definition.refuse?.() ? { reject: 'No.' } : undefined),
      onComplete: ({ uploadId }) => {
        if (definition.fail?.()) throw new Error('down');
        announced.push(uploadId);
      },
    }),
  };
  const app = createTestApp(storage, routes, {
    multipartMinBytes: partSize,
    now: () => Date.now() + clock.offset,
    onEvent: (event) => events.push(event),
    ...(ledger ? { ledger } : {}),
  });
  return { app, parts: createParts(app), announced, events };
}

/** The id of an upload that was never granted, with the mark of this deployment. */
export const ungrantedId = 'f'.repeat(24) + deriveKey(secret, 'deployment').toString('hex', 0, 4);

/** Returns the keys of all objects and unfinished multipart uploads, sorted. */
export async function listBucket(storage: Storage, prefix = ''): Promise<string[]> {
  const objects = (await storage.list({ prefix })).objects.map(({ key }) => key);
  const parts = (await storage.listMultiparts({ prefix })).uploads.map(({ key }) => `${key} (parts)`);
  return [...objects, ...parts].sort();
}
