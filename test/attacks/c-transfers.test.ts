/** C12, C13, C15 and F9: attacks on what a client can choose about its transfer. Attack ids: docs/threat-model.md. */
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { sqliteLedger } from '../../src/ledger/sqlite.ts';
import type { FileDeclaration, SingleGrant } from '../../src/protocol/index.ts';
import type { Storage } from '../../src/s3/index.ts';
import { type CallbackRequest, route } from '../../src/server/index.ts';
import { forEachStore, type TestStore } from '../support/stores.ts';
import { startWriteIds } from '../support/write-ids.ts';
import { type App, checksumOf, completedOf, errorOf, type JsonAnswer, send, startApp } from './app.ts';

/**
 * Two messages of 128 bytes with the same MD5, by X. Wang and H. Yu, "How to Break MD5 and Other Hash Functions", 2005.
 * They keep the same MD5 when the same bytes are appended to both.
 */
const wang = [
  'd131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f8955ad340609f4b30283e488832571415a085125e8f7cdc99fd91dbdf280373c5bd8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70',
  'd131dd02c5e6eec4693d9a0698aff95c2fcab50712467eab4004583eb8fb7f8955ad340609f4b30283e4888325f1415a085125e8f7cdc99fd91dbd7280373c5bd8823e3156348f5bae6dacd436c919c6dd53e23487da03fd02396306d248cda0e99f33420f577ee8ce54b67080280d1ec69821bcb6a8839396f965ab6ff72a70',
] as const;
const suffix = Buffer.from('\nand the rest is the same in both files\n');
const [harmless, harmful] = wang.map((hex) => Buffer.concat([Buffer.from(hex, 'hex'), suffix])) as [Buffer, Buffer];
const binary = { fileName: 'data.bin', contentType: 'application/octet-stream' };

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/**
 * Starts an app whose `inspect` reads the file, rejects the harmful one, and otherwise waits for `releaseInspection`.
 */
async function startInspecting(store: TestStore, options: Parameters<typeof startApp>[1] = {}) {
  const inspected: Buffer[] = [];
  let reportBegin = () => {};
  const inspectionBegan = new Promise<void>((resolve) => {
    reportBegin = resolve;
  });
  let releaseInspection = () => {};
  const released = new Promise<void>((resolve) => {
    releaseInspection = resolve;
  });
  const inspecting = {
    limits: { maxBytes: 100_000, contentTypes: ['*/*'] },
    authorize: () => ({ ownerId: 'alice' }),
    async inspect({ stream }: { stream: () => Promise<ReadableStream<Uint8Array>> }) {
      const bytes = Buffer.from(await new Response(await stream()).arrayBuffer());
      inspected.push(bytes);
      if (bytes.equals(harmful)) return { reject: 'This file is harmful.' };
      reportBegin();
      await released;
      return undefined;
    },
  };
  const app = await startApp(store, {
    routes: { checked: route(inspecting), sized: route({ ...inspecting, integrity: 'size-only' as const }) },
    ...options,
  });
  closing.push(app.stop);
  return { app, inspected, inspectionBegan, releaseInspection };
}

/** Sends the harmless file, and the harmful one while the first is inspected. Returns what was stored. */
async function swapWhileInspected(
  { app, inspected, inspectionBegan, releaseInspection }: Awaited<ReturnType<typeof startInspecting>>,
  upload: SingleGrant,
) {
  expect((await send(upload.request, harmless)).status).toBeLessThan(300);
  const completing = app.complete(upload.grant);
  await inspectionBegan;
  const second = await send(upload.request, harmful);
  releaseInspection();
  const answer = await completing;
  const result = answer.body.results?.[0];
  const file = result && 'file' in result ? result.file : null;
  const stored = file && (await app.storage.read(file.key, { maxBytes: 100_000 }))?.bytes;
  return { second: second.status, answer, stored: stored && Buffer.from(stored), inspected };
}

it('C12 the two files of this suite differ and have the same MD5', () => {
  const digest = (algorithm: string, bytes: Buffer) => createHash(algorithm).update(bytes).digest('hex');
  expect(digest('md5', harmful)).toBe(digest('md5', harmless));
  expect(digest('sha256', harmful)).not.toBe(digest('sha256', harmless));
});

forEachStore('files with the same MD5', (store) => {
  it.each(['checked', 'sized'])('C12 route %s, by put: the stored bytes are those that inspect read', async (name) => {
    const inspecting = await startInspecting(store);
    const upload = await inspecting.app.grant(harmless, binary, { name });
    const { second, stored } = await swapWhileInspected(inspecting, upload);
    expect(second).toBe(412);
    expect(stored?.equals(harmless)).toBe(true);
  });

  it.each(['checked', 'sized'])(
    'C12 route %s, by form: a grant needs SHA-256, and other bytes are refused',
    async (name) => {
      const inspecting = await startInspecting(store);
      const { app } = inspecting;
      const strongest = (await app.info('checked')).checksum as 'sha256' | 'md5';
      const without = { checksum: undefined } as unknown as Partial<FileDeclaration>;
      for (const checked of [without, { checksum: checksumOf('md5', harmless) }]) {
        const answer = await app.tryGrant(harmless, { ...binary, ...checked }, { name, transfers: ['form'] });
        expect(errorOf(answer)).toBe('invalid_request');
      }
      if (strongest !== 'sha256') return;
      const checksum = checksumOf('sha256', harmless);
      const upload = await app.grant(harmless, { ...binary, checksum }, { name, transfers: ['form'] });
      expect(upload.transfer).toBe('form');
      const { second, stored } = await swapWhileInspected(inspecting, upload);
      expect(second).toBe(400);
      expect(stored?.equals(harmless)).toBe(true);
    },
  );

  it.each(['checked', 'sized'])('C12 route %s: a client cannot choose a weaker checksum', async (name) => {
    const { app } = await startInspecting(store);
    const strongest = (await app.info('checked')).checksum as 'sha256' | 'md5';
    for (const algorithm of ['md5', 'sha1'] as const) {
      if (algorithm === strongest) continue;
      const checksum = checksumOf(algorithm, harmless);
      const answer = await app.tryGrant(harmless, { ...binary, checksum }, { name });
      expect(errorOf(answer)).toBe('invalid_request');
      expect(answer.text).toContain(`must be ${strongest} here`);
    }
  });
});

forEachStore(
  'a storage that takes a second write',
  (store) => {
    const routes = ['checked', 'sized'];
    it.each(routes)('C12 route %s: a second write with the same MD5 is detected by its id', async (name) => {
      const proxy = await startWriteIds(store.endpoint);
      closing.push(proxy.close);
      const storage = store.storage({ endpoint: proxy.endpoint, capabilities: 'gcs' });
      const inspecting = await startInspecting(store, { storage });
      const upload = await inspecting.app.grant(harmless, binary, { name });
      const { second, answer, stored, inspected } = await swapWhileInspected(inspecting, upload);
      expect(second).toBe(200);
      expect(stored).toBeNull();
      expect(errorOf(answer)).toBe('upload_rejected');
      expect(inspected.at(-1)?.equals(harmful)).toBe(true);
      expect((await storage.list({ prefix: 'checked/' })).objects).toEqual([]);
    });

    it('C12 a storage without write ids that takes a second write is refused at start-up', async () => {
      const capabilities = { checksums: [], once: false, writeIds: false };
      await expect(startApp(store, { storage: store.storage({ capabilities }) })).rejects.toThrow(
        'bytes could change after they were checked',
      );
    });
  },
  { only: ['devstore'] }, // The proxy simulates Google Cloud Storage.
);

/** Delays each copy by three HEAD requests, so that the other completion can interfere. */
function withSlowCopies(storage: Storage): Storage {
  return {
    ...storage,
    async copy(options) {
      for (let request = 0; request < 3; request += 1) await storage.head(options.from);
      return storage.copy(options);
    },
  };
}

forEachStore('two uploads with the same key at once', (store) => {
  const presets = store.name === 'devstore' ? (['minio', 'r2', 'ceph16', 'devstore'] as const) : [store.preset];

  it.each(
    presets.flatMap(
      (preset) =>
        [
          [preset, 'no ledger'],
          [preset, 'a ledger'],
        ] as const,
    ),
  )('C15 as %s, with %s: one is stored, the other is refused', async (preset, recorded) => {
    const ledger = recorded === 'a ledger' ? await sqliteLedger({ file: ':memory:' }) : undefined;
    if (ledger) closing.push(() => ledger.close());
    const storage = withSlowCopies(store.storage({ capabilities: preset }));
    const authorize = ({ request }: { request: CallbackRequest }) => ({ ownerId: request.header('x-user') ?? '' });
    let round = 0;
    const shared = route({
      limits: { maxBytes: 1000, contentTypes: ['*/*'] },
      authorize,
      key: () => `shared/${store.bucket}-${preset}-${recorded.replace(' ', '-')}-${round}`,
    });
    // Two replicas share no state in memory.
    const apps = await Promise.all(
      [0, 1].map(() => startApp(store, { storage, routes: { shared }, ...(ledger ? { ledger } : {}) })),
    );
    closing.push(...apps.map((app) => app.stop));
    for (; round < 4; round += 1) {
      const users = ['alice', 'mallory'];
      const bodies = users.map((user) => Buffer.from(`the file of ${user} in round ${round}`));
      const uploads = [];
      for (const [index, user] of users.entries()) {
        const app = apps[index] as App;
        const file = { fileName: 'a.txt', contentType: 'text/plain' };
        const upload = await app.grant(bodies[index] as Buffer, file, { name: 'shared', user });
        expect((await send(upload.request, bodies[index] as Buffer)).status).toBe(200);
        uploads.push(upload);
      }
      const answers = await Promise.all(
        uploads.map((upload, index) =>
          (apps[index] as App).complete(upload.grant, { 'x-user': users[index] as string }),
        ),
      );
      const winner = answers.findIndex(({ status }) => status === 200);
      expect(answers.map((answer) => errorOf(answer) ?? 'stored').sort()).toEqual(['stored', 'upload_conflict']);
      const { file } = completedOf(answers[winner] as JsonAnswer);
      const found = await storage.read(file.key, { maxBytes: 1000 });
      expect(Buffer.from(found?.bytes ?? '').toString()).toBe(bodies[winner]?.toString());
    }
    // The locks were deleted.
    expect((await storage.list({ prefix: 'incoming/.waybill/key-' })).objects).toEqual([]);
  });

  it.each(['gcs', 'b2'] as const)('C15 as %s: a route that chooses its keys needs a ledger', async (capabilities) => {
    const keyed = route({
      limits: { maxBytes: 1000 },
      authorize: () => ({ ownerId: 'alice' }),
      integrity: 'size-only',
      key: () => 'shared/one',
    });
    const storage = store.storage({ capabilities });
    await expect(startApp(store, { storage, routes: { keyed } })).rejects.toThrow('chooses its own keys');
    const ledger = await sqliteLedger({ file: ':memory:' });
    closing.push(() => ledger.close());
    closing.push((await startApp(store, { storage, ledger, routes: { keyed } })).stop);
  });
});

describe('file bytes and the server', () => {
  forEachStore(
    'an object whose ETag is not an MD5',
    (store) => {
      /** Simulates encryption with KMS keys, where the ETag is not an MD5. */
      function withKmsEtags(storage: ReturnType<TestStore['storage']>) {
        const read: number[] = [];
        const changed = <Info extends { etag: string } | null>(info: Info) =>
          info && { ...info, etag: `"${'ab'.repeat(16)}"`, encryption: 'aws:kms' };
        return {
          read,
          storage: {
            ...storage,
            head: async (key: string) => changed(await storage.head(key)),
            async get(key: string, { ifMatch: _, ...options }: Parameters<typeof storage.get>[1] = {}) {
              const found = await storage.get(key, options);
              if (options.range === undefined) read.push(found?.info.size ?? 0);
              return found && { ...found, info: changed(found.info) };
            },
            copy: ({ sourceEtag: _, ...options }: Parameters<typeof storage.copy>[0]) => storage.copy(options),
          } as typeof storage,
        };
      }

      it.each(['sha256', 'md5'] as const)('F9 completion on a %s route never reads the file', async (algorithm) => {
        const capabilities = algorithm === 'md5' ? { checksums: [], partChecksums: [] } : store.preset;
        const { storage, read } = withKmsEtags(store.storage({ capabilities }));
        const app: App = await startApp(store, { storage });
        closing.push(app.stop);
        const bytes = Buffer.alloc(300_000, 'some text ');
        const upload = await app.grant(bytes, binary);
        expect((await send(upload.request, bytes)).status).toBe(200);
        expect(completedOf(await app.complete(upload.grant)).file.size).toBe(bytes.length);
        expect(read).toEqual([]);
      });
    },
    { only: ['devstore'] }, // Ceph has no KMS here, and the wrapper would change its answers in the same way.
  );
});
