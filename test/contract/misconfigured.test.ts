/** A wrong storage configuration: the messages for the user and the developer, and how soon they appear. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, vi } from 'vitest';
import { toNodeHandler } from '../../src/adapters/node.ts';
import { createClient } from '../../src/client/index.ts';
import { isWaybillError, MiB } from '../../src/protocol/index.ts';
import type { S3StorageOptions } from '../../src/s3/index.ts';
import { createUploads, route, type UploadsEvent } from '../../src/server/index.ts';
import { forEachStore, type TestStore } from '../support/stores.ts';

/** Returns a port on which no server listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

type WrongOptions = (store: TestStore) => Partial<S3StorageOptions> | Promise<Partial<S3StorageOptions>>;

const mistakes: readonly (readonly [name: string, code: RegExp, fix: RegExp, WrongOptions])[] = [
  ['bucket', /NoSuchBucket/, /`bucket`/, () => ({ bucket: 'no-such-bucket-here' })],
  [
    'access key',
    /InvalidAccessKeyId/,
    /`credentials`/,
    ({ credentials }) => ({ credentials: { ...credentials, accessKeyId: 'AKIDNOSUCHKEY' } }),
  ],
  [
    'secret key',
    /SignatureDoesNotMatch/,
    /secret access key/,
    ({ credentials }) => ({ credentials: { ...credentials, secretAccessKey: 'not-the-secret-access-key' } }),
  ],
  ['region', /Authorization\w+/, /`region` to 'us-east-1'/, () => ({ region: 'eu-west-9' })],
  [
    'port',
    /ECONNREFUSED/,
    /`endpoint`/,
    async () => ({ endpoint: `http://127.0.0.1:${await closedPort()}`, retries: 3 }),
  ],
  ['host', /ENOTFOUND/, /`endpoint`/, () => ({ endpoint: 'http://no-such-host.invalid', retries: 3 })],
];

forEachStore(
  'a storage with a wrong',
  (store) => {
    const sizes = [1000, 6 * MiB] as const;
    it.each(mistakes.flatMap((mistake) => sizes.map((size) => [...mistake, size] as const)))(
      '%s is reported to the user in one sentence and to the developer with its code (%s)',
      async (_, code, fix, wrong, size) => {
        const events: UploadsEvent[] = [];
        const uploads = createUploads({
          storage: store.storage(await wrong(store)),
          secret: 'a secret of at least thirty-two characters',
          multipartMinBytes: 5 * MiB,
          routes: { files: route({ limits: { maxBytes: 10 * MiB }, authorize: () => ({ ownerId: 'anna' }) }) },
          onEvent: (event) => events.push(event),
        });
        const server = createServer(toNodeHandler(uploads));
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/uploads`;
        const file = new File([Buffer.alloc(size, 'text ')], 'a.txt', { type: 'text/plain' });
        const began = performance.now();
        const error = await createClient({ endpoint })
          .upload('files', file)
          .done.then(
            () => null,
            (reason: unknown) => reason,
          );
        const tookMs = performance.now() - began;
        server.closeAllConnections();
        server.close();
        if (!isWaybillError(error)) throw error ?? new Error('It was stored.');
        expect(error.message).toMatch(/^Uploads are not available right now\./);
        expect(error.message).not.toMatch(code);
        expect(JSON.stringify(error.details)).toMatch(code);
        // Much longer than the retries, because a busy machine is slow as well.
        expect(tookMs).toBeLessThan(60_000);
        // The check of the storage runs at the same time as the first grant.
        await vi.waitFor(() => {
          const reported = events.filter(({ type }) => type === 'storage.error' || type === 'request.failed');
          const texts = reported.map((event) => JSON.stringify(event));
          expect(texts.filter((event) => code.test(event) && fix.test(event))).not.toEqual([]);
        });
      },
    );
  },
  { only: ['devstore'] }, // Other storages use other codes for the same mistake.
);
