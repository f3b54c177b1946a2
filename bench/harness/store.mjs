/** A devstore for one run, in a process of its own, so that what it costs falls on nobody who is measured. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from './child.mjs';
import { account, bucket } from './fixtures.mjs';

/** @returns {Promise<{ endpoint: string, stop(): Promise<void> }>} */
export async function startStore() {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  const child = await startChild(new URL('./store-process.mjs', import.meta.url), { dir, account, bucket });
  return {
    endpoint: child.ready.url,
    async stop() {
      await child.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
