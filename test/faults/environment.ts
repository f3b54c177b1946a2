/** The environment of a run: a devstore, an app server that can be restarted on its port, and files on disk. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toNodeHandler } from '../../src/adapters/node.ts';
import { createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { MiB } from '../../src/protocol/index.ts';
import { type Storage, s3Storage } from '../../src/s3/index.ts';
import { createUploads, route } from '../../src/server/index.ts';
import { listen, stop } from '../support/client-page.ts';
import { createRandom } from '../support/random.ts';
import type { Scenario } from './scenario.ts';

const credentials = { accessKeyId: 'faults', secretAccessKey: 'faults-faults-faults' };
export const stagingPrefix = 'incoming/';

export interface Environment {
  readonly endpoint: string;
  readonly store: Devstore;
  readonly storage: Storage;
  /** The calls of `onComplete`, across restarts of the server. */
  readonly announced: { uploadId: string; key: string }[];
  readonly aborted: Set<string>;
  /** Internal errors of the server and the store. */
  readonly unexpectedErrors: string[];
  path(name: string): string;
  /** Digests of every version that the file has had. */
  digests(name: string): readonly string[];
  write(name: string, size: number, sameTime?: boolean): Promise<void>;
  /** Replaces the server by a new one with the same port and secret, and no state in memory. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface EnvironmentOptions {
  onGrant?: (uploadId: string) => void;
  /** `onComplete` records nothing, to prove that the check notices it. */
  dropAnnouncements?: boolean;
}

export async function openEnvironment(
  scenario: Scenario,
  pageOrigin: string,
  options: EnvironmentOptions = {},
): Promise<Environment> {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-faults-'));
  const unexpectedErrors: string[] = [];
  const store = await createDevstore({
    dir: join(dir, 'store'),
    credentials: [credentials],
    buckets: ['bucket'],
    cors: [
      {
        allowedOrigins: [pageOrigin],
        allowedMethods: ['GET', 'PUT', 'POST'],
        allowedHeaders: ['*'],
        exposeHeaders: ['Retry-After'],
      },
    ],
    onError: (error) => unexpectedErrors.push(`store: ${error}`),
  });
  const { url: endpoint } = await store.listen();
  const storage = s3Storage({ bucket: 'bucket', endpoint, credentials, capabilities: 'devstore' });
  const announced: Environment['announced'] = [];
  const aborted = new Set<string>();

  function start(): Server {
    const common = {
      limits: { minBytes: 0, maxBytes: 64 * MiB, contentTypes: ['text/plain'] },
      authorize: () => ({ ownerId: 'alice' }),
      onComplete({ uploadId, file }: { uploadId: string; file: { key: string } }) {
        if (!options.dropAnnouncements) announced.push({ uploadId, key: file.key });
      },
    };
    const uploads = createUploads({
      storage: s3Storage({ bucket: 'bucket', endpoint, credentials, capabilities: 'devstore' }),
      secret: 'a-secret-of-the-fault-suite-of-more-than-32-characters',
      allowedOrigins: [pageOrigin],
      stagingPrefix,
      formMaxBytes: scenario.smallTransfer === 'form' ? MiB : 0,
      multipartMinBytes: 5 * MiB,
      routes: { files: route(common), plain: route({ ...common, integrity: 'size-only' }) },
      onEvent(event) {
        if (event.type === 'upload.granted') options.onGrant?.(event.uploadId);
        if (event.type === 'upload.aborted') aborted.add(event.uploadId);
        if (event.type === 'request.failed' && event.code === 'internal_error')
          unexpectedErrors.push(`server: ${event.message} ${event.reason}`);
      },
    });
    return createServer(toNodeHandler(uploads));
  }

  let app = start();
  const url = await listen(app);
  const port = (app.address() as AddressInfo).port;
  const random = createRandom(scenario.seed ^ 0x5eed);
  const digests = new Map<string, string[]>();
  const path = (name: string) => join(dir, name);

  return {
    endpoint: `${url}/uploads`,
    store,
    storage,
    announced,
    aborted,
    unexpectedErrors,
    path,
    digests: (name) => digests.get(name) ?? [],
    async write(name, size, sameTime = false) {
      const before = sameTime ? await stat(path(name)) : undefined;
      const bytes = makeText(size, random);
      digests.set(name, [...(digests.get(name) ?? []), sha256(bytes)]);
      await writeFile(path(name), bytes);
      if (before) await utimes(path(name), before.atime, before.mtime);
    },
    async restart() {
      await stop(app);
      app = start();
      await listen(app, port);
    },
    async close() {
      await stop(app);
      await store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/**
 * Makes text, because the content type is checked. All lines differ, so that a part stored in another's place is
 * noticed.
 */
function makeText(size: number, random: () => number): Buffer {
  const bytes = Buffer.alloc(size);
  const salt = Math.floor(random() * 2 ** 32).toString(36);
  for (let at = 0, line = 0; at < size; line++) at += bytes.write(`${salt} ${line} ${'waybill '.repeat(512)}\n`, at);
  return bytes;
}
