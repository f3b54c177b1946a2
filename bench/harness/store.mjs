/** Starts a devstore for one run in a separate process, so that its cost is not measured. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from './child.mjs';
import { account, bucket } from './fixtures.mjs';

/** CORS rules that allow a page of any origin to send files and to read the answers. */
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
