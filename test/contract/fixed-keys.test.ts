/** Routes whose `key` returns the same key for several uploads, such as one avatar for each user. */
import { expect, it } from 'vitest';
import { sqliteLedger } from '../../src/ledger/sqlite.ts';
import type { Storage } from '../../src/s3/index.ts';
import { type Owner, route, type UploadsOptions } from '../../src/server/index.ts';
import { createTestApp, send } from '../support/server-app.ts';
import { forEachStore, type TestStore } from '../support/stores.ts';

const limits = { maxBytes: 1000 };
const authorize = (): Owner => ({ ownerId: 'anna' });
const text = { fileName: 'a.txt', contentType: 'text/plain' };

type App = ReturnType<typeof createTestApp>;

function startAvatars(store: TestStore, replace: boolean, more: Partial<UploadsOptions> = {}, storage?: Storage) {
  const key = () => 'avatars/anna.txt';
  const inspect = async ({ stream }: { stream: () => Promise<ReadableStream<Uint8Array>> }) =>
    (await new Response(await stream()).text()).startsWith('bad') ? { reject: 'It is bad.' } : undefined;
  const avatar = route({ limits, authorize, key, inspect, ...(replace ? { replace } : {}) });
  return createTestApp(storage ?? store.storage(), { avatar }, more as object);
}

async function store(app: App, words: string) {
  const bytes = Buffer.from(words);
  const upload = await app.grant(bytes, text);
  expect(await send(upload.request, bytes)).toBe(200);
  return (await app.complete(upload.grant)).json.results?.[0];
}

const fileOf = (result: Awaited<ReturnType<typeof store>>) => {
  if (!result?.file) throw new Error(`not stored: ${JSON.stringify(result)}`);
  return result.file;
};

forEachStore('a fixed key', (testStore) => {
  const readAvatar = async (storage: Storage) =>
    Buffer.from((await storage.read('avatars/anna.txt', { maxBytes: 1000 }))?.bytes ?? '').toString();

  it('a key that has a file is refused before the bytes are sent, and is free after a delete', async () => {
    const storage = testStore.storage();
    const app = startAvatars(testStore, false);
    const first = fileOf(await store(app, 'one'));
    const { status, json } = await app.call('POST', '/uploads', {
      route: 'avatar',
      files: [app.declare(Buffer.from('two'), text)],
    });
    expect([status, json.error?.code]).toEqual([409, 'upload_conflict']);
    expect(json.error?.message).not.toContain('avatars/');
    expect(await readAvatar(storage)).toBe('one');
    await app.uploads.deleteFile(first.key);
    fileOf(await store(app, 'two'));
    expect(await readAvatar(storage)).toBe('two');
    await storage.delete('avatars/anna.txt');
  });

  it.each(['no ledger', 'a ledger'])('the file is replaced on a route with `replace`, with %s', async (recorded) => {
    const ledger = recorded === 'a ledger' ? await sqliteLedger({ file: ':memory:' }) : undefined;
    const storage = testStore.storage();
    const app = startAvatars(testStore, true, ledger ? { ledger } : {});
    const files = [];
    for (const words of ['one', 'two', 'two', 'three!']) {
      files.push(fileOf(await store(app, words)));
      expect(await readAvatar(storage)).toBe(words);
    }
    // The old file stays until the new one is verified.
    expect((await store(app, 'bad one'))?.file).toBeUndefined();
    expect(await readAvatar(storage)).toBe('three!');
    // The URL of a replaced file neither shows nor deletes the new one.
    for (const [index, file] of files.entries()) {
      const { status } = await app.call('GET', file.url);
      expect(status).toBe(index === files.length - 1 ? 302 : 404);
    }
    await app.call('DELETE', (files[0] as { url: string }).url);
    expect(await readAvatar(storage)).toBe('three!');
    if (ledger) {
      expect((await app.uploads.usage('anna')).storedBytes).toBe('three!'.length);
      const states = await Promise.all(files.map(async ({ uploadId }) => (await ledger.find(uploadId))?.state));
      expect(states).toEqual(['deleted', 'deleted', 'deleted', 'completed']);
    }
    expect((await app.call('DELETE', (files.at(-1) as { url: string }).url)).status).toBe(204);
    expect(await storage.head('avatars/anna.txt')).toBeNull();
    await ledger?.close();
  });

  it('the ledger has one completed file after two were stored with the same key at once', async () => {
    const ledger = await sqliteLedger({ file: ':memory:' });
    const storage = testStore.storage();
    const apps = [startAvatars(testStore, true, { ledger }), startAvatars(testStore, true, { ledger })];
    for (let round = 0; round < 4; round += 1) {
      const results = await Promise.all(
        apps.map((app, index) => store(app, `round ${round} by ${'replica'.repeat(index + 1)}`)),
      );
      const stored = await readAvatar(storage);
      const states = await Promise.all(
        results.map(async (result) => (result ? (await ledger.find(result.uploadId))?.state : 'refused')),
      );
      expect(states.filter((state) => state === 'completed')).toHaveLength(1);
      expect((await apps[0]?.uploads.usage('anna'))?.storedBytes).toBe(stored.length);
    }
    await storage.delete('avatars/anna.txt');
    await ledger.close();
  });
});

it.each([
  [{ replace: true }, 'needs `key`'],
  [{ replace: true, dedupe: true, key: () => 'a' }, 'both `replace` and `dedupe`'],
  [{ replace: 'yes', key: () => 'a' }, 'true or false'],
])('route() refuses %j', (more, words) => {
  expect(() => route({ limits, authorize, ...(more as object) })).toThrow(words);
});
