/** A devstore for one run, in a process of its own, so that what it costs falls on nobody who is measured. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from './child.mjs';
import { account, bucket } from './fixtures.mjs';

/** What a page of any origin needs: to send, and to read the answer. */
const openCors = [
  {
    allowedOrigins: ['*'],
    allowedMethods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'],
    allowedHeaders: ['*'],
    exposeHeaders: ['ETag', 'Location'],
    maxAgeSeconds: 3000,
  },
];

/**
 * @param {{ forPages?: boolean }} [options]
 * @returns {Promise<{ endpoint: string, ask(message: unknown): Promise<any>, stop(): Promise<void> }>}
 */
export async function startStore({ forPages = false } = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  const child = await startChild(new URL('./store-process.mjs', import.meta.url), {
    dir,
    account,
    bucket,
    cors: forPages ? openCors : undefined,
  });
  return {
    endpoint: child.ready.url,
    ask: child.ask,
    async stop() {
      await child.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
