/** G9: what answers under the storage's name cannot choose the time that requests are signed for. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Storage, s3Storage } from '../../src/s3/index.ts';

const ours = Date.UTC(2026, 10, 23, 12);
const hour = 3_600_000;
const day = 24 * hour;

interface Said {
  status: number;
  /** How far its clock is ahead of ours, in milliseconds. */
  aheadMs: number;
  body?: string;
}

const error = (code: string) => `<Error><Code>${code}</Code><Message>no</Message></Error>`;

let close = async () => {};
afterEach(() => close());

/** Gives these answers one by one, the last one again and again. */
async function answering(...answers: Said[]): Promise<Storage> {
  const server = createServer((_, response) => {
    const { status, aheadMs, body = '' } = (answers.length > 1 ? answers.shift() : answers[0]) as Said;
    response.writeHead(status, {
      date: new Date(ours + aheadMs).toUTCString(),
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
    now: () => ours,
  });
}

const signedAt = (storage: Storage) =>
  /X-Amz-Date=(\w+)/.exec(storage.presignGet({ key: 'a', expiresInSeconds: 60 }).url)?.[1];

describe('the clock that requests are signed by', () => {
  it.each<[string, Said]>([
    ['an error of a server', { status: 503, aheadMs: hour, body: error('SlowDown') }],
    ['a refusal that is not about time', { status: 403, aheadMs: hour, body: error('AccessDenied') }],
    ['a page of a proxy', { status: 403, aheadMs: hour, body: '<html>Sign in</html>' }],
    ['a redirect', { status: 302, aheadMs: hour }],
    ['a success five years ahead', { status: 200, aheadMs: 5 * 365 * day }],
    ['a success two days behind', { status: 200, aheadMs: -2 * day }],
    ['a refused date five years ahead', { status: 403, aheadMs: 5 * 365 * day, body: error('RequestTimeTooSkewed') }],
  ])('G9 is not moved by %s', async (_, answer) => {
    const storage = await answering(answer);
    await storage.put({ key: 'a', body: 'abc' }).catch(() => undefined);
    await storage.head('a').catch(() => undefined);
    expect(storage.clockOffsetMs()).toBe(0);
    expect(signedAt(storage)).toBe('20261123T120000Z');
  });

  it('G9 goes back when the correction did not help', async () => {
    const storage = await answering({ status: 403, aheadMs: hour });
    await expect(storage.head('a')).rejects.toMatchObject({ status: 403 });
    expect(storage.clockOffsetMs()).toBe(0);
  });

  it('follows a storage that accepts what is signed by its time', async () => {
    const skewed = { status: 403, aheadMs: hour, body: error('RequestTimeTooSkewed') };
    const storage = await answering(skewed, { status: 200, aheadMs: hour });
    await storage.put({ key: 'a', body: 'abc' });
    expect(storage.clockOffsetMs()).toBe(hour);
    expect(signedAt(storage)).toBe('20261123T130000Z');
  });
});
