/** G9: answers under the storage's name cannot choose the signing time. Attack ids: docs/threat-model.md. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Storage, s3Storage } from '../../src/s3/index.ts';

const serverTime = Date.UTC(2026, 10, 23, 12);
const hour = 3_600_000;
const day = 24 * hour;

interface StorageAnswer {
  status: number;
  /** How far the `Date` header is ahead of the server's clock, in milliseconds. */
  aheadMs: number;
  body?: string;
}

const error = (code: string) => `<Error><Code>${code}</Code><Message>no</Message></Error>`;

let close = async () => {};
afterEach(() => close());

/** Starts a storage that gives these answers in order and repeats the last one. */
async function startStorage(...answers: StorageAnswer[]): Promise<Storage> {
  const server = createServer((_, response) => {
    const { status, aheadMs, body = '' } = (answers.length > 1 ? answers.shift() : answers[0]) as StorageAnswer;
    response.writeHead(status, {
      date: new Date(serverTime + aheadMs).toUTCString(),
      etag: '"e"',
      location: 'http://x.test',
    });
    response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return s3Storage({
    bucket: 'bucket',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    capabilities: 'devstore',
    retries: 0,
    now: () => serverTime,
  });
}

const signedAt = (storage: Storage) =>
  /X-Amz-Date=(\w+)/.exec(storage.presignGet({ key: 'a', expiresInSeconds: 60 }).url)?.[1];

describe('signing clock', () => {
  it.each<[string, StorageAnswer]>([
    ['an error of a server', { status: 503, aheadMs: hour, body: error('SlowDown') }],
    ['an error that is not about time', { status: 403, aheadMs: hour, body: error('AccessDenied') }],
    ['a page of a proxy', { status: 403, aheadMs: hour, body: '<html>Sign in</html>' }],
    ['a redirect', { status: 302, aheadMs: hour }],
    ['a success five years ahead', { status: 200, aheadMs: 5 * 365 * day }],
    ['a success two days behind', { status: 200, aheadMs: -2 * day }],
    ['a refused date five years ahead', { status: 403, aheadMs: 5 * 365 * day, body: error('RequestTimeTooSkewed') }],
  ])('G9 the signing clock is not changed by %s', async (_, answer) => {
    const storage = await startStorage(answer);
    await storage.put({ key: 'a', body: 'abc' }).catch(() => undefined);
    await storage.head('a').catch(() => undefined);
    expect(storage.clockOffsetMs()).toBe(0);
    expect(signedAt(storage)).toBe('20261123T120000Z');
  });

  it('G9 the signing clock is reset when the correction did not help', async () => {
    const storage = await startStorage({ status: 403, aheadMs: hour });
    await expect(storage.head('a')).rejects.toMatchObject({ status: 403 });
    expect(storage.clockOffsetMs()).toBe(0);
  });

  it('the signing clock follows a storage that accepts the corrected time', async () => {
    const skewed = { status: 403, aheadMs: hour, body: error('RequestTimeTooSkewed') };
    const storage = await startStorage(skewed, { status: 200, aheadMs: hour });
    await storage.put({ key: 'a', body: 'abc' });
    expect(storage.clockOffsetMs()).toBe(hour);
    expect(signedAt(storage)).toBe('20261123T130000Z');
  });
});
