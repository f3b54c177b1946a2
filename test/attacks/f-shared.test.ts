/**
 * F5: grants of several owners share a transaction, and one owner's input never fails another's grant.
 * Attack ids: docs/threat-model.md.
 */
import { randomBytes } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { type Ledger, route, type StandardSchema } from '../../src/server/index.ts';
import type { NewUpload } from '../../src/server/internal.ts';
import { forEachLedger, type TestLedger } from '../support/ledgers.ts';
import { forEachStore, type TestStore } from '../support/stores.ts';
import { type App, errorOf, png, startApp } from './app.ts';

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** Metadata as JSON text. */
const hostileMetadata: readonly (readonly [name: string, json: string])[] = [
  ['6,000 levels', nested(6000)],
  ['100,000 levels', nested(100_000)],
  ['33 levels', nested(33)],
  ['levels of objects', `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`],
  ['U+0000 in a value', '{"text":"a\\u0000b"}'],
  ['U+0000 in a name', '{"a\\u0000":1}'],
  ['U+0000 in an array', '["\\u0000"]'],
  ['a lone high surrogate', '{"text":"\\ud800"}'],
  ['a lone low surrogate', '"\\udc00"'],
  ['a lone surrogate in a name', '{"\\udfff":true}'],
  ['too many bytes', JSON.stringify('x'.repeat(70_000))],
];

/** Accepts any value, and returns a BigInt for some, which JSON cannot represent. */
const schema: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => ({ value: (value as { big?: boolean } | null)?.big ? { n: 1n } : value }),
  },
};

function testHostileInput(store: TestStore, testLedger: TestLedger | null): void {
  const started: App[] = [];
  async function start(): Promise<App> {
    const limits = { maxBytes: 1024 * 1024, maxFiles: 100 };
    const authorize = ({ request }: { request: { header(name: string): string | undefined } }) => ({
      ownerId: request.header('x-user') ?? 'anonymous',
    });
    const routes = { files: route({ limits, metadata: schema, authorize }) };
    const app = await startApp(store, { routes, ...(testLedger ? { ledger: await testLedger.open() } : {}) } as never);
    started.push(app);
    return app;
  }
  afterEach(async () => {
    await Promise.all(started.splice(0).map((each) => each.stop()));
  });

  it('F5 metadata that a ledger cannot store is invalid_request, for the request and for one file', async () => {
    const app = await start();
    const file = JSON.stringify(await app.declare(png));
    for (const [name, json] of hostileMetadata)
      for (const body of [
        `{"route":"files","files":[${file}],"metadata":${json}}`,
        `{"route":"files","files":[${file.slice(0, -1)},"metadata":${json}}]}`,
      ]) {
        const answer = await app.call('POST', '/uploads', body);
        expect([name, answer.status, errorOf(answer)]).toEqual([name, 400, 'invalid_request']);
        expect(answer.text).not.toContain('X-Amz-Signature');
      }
    for (const json of [nested(32), '{"text":"\\ud83d\\ude00 \\u0001"}', 'null']) {
      const answer = await app.call('POST', '/uploads', `{"route":"files","files":[${file}],"metadata":${json}}`);
      expect([json, answer.status]).toEqual([json, 200]);
    }
  });

  it('F5 a file name with U+0000 or a lone surrogate is invalid_request', async () => {
    const app = await start();
    for (const fileName of ['a\0.png', '\ud800.png', 'x\udc00']) {
      const answer = await app.tryGrant(png, { fileName });
      expect([answer.status, errorOf(answer)]).toEqual([400, 'invalid_request']);
    }
  });

  it('F5 metadata for many files is limited by its total size in the ledger', async () => {
    const app = await start();
    const file = await app.declare(png);
    const grantMany = (count: number, text: string) =>
      app.call('POST', '/uploads', { route: 'files', files: Array(count).fill(file), metadata: { text } });
    const refused = await grantMany(100, 'x'.repeat(20_000));
    expect([refused.status, errorOf(refused)]).toEqual([400, 'invalid_request']);
    expect((await grantMany(100, 'x'.repeat(100))).status).toBe(200);
  });

  it('F5 other owners are served during a flood of hostile requests', async () => {
    const app = await start();
    const file = JSON.stringify(await app.declare(png));
    let victimsEnded = false;
    let refused = 0;
    const attack = async (json: string) => {
      while (!victimsEnded) {
        const body = `{"route":"files","files":[${file}],"metadata":${json}}`;
        expect((await app.call('POST', '/uploads', body, { 'x-user': 'mallory' })).status).toBe(400);
        refused += 1;
      }
    };
    const attacking = [nested(6000), nested(20_000), '{"big":true}', '"\\u0000"'].map(attack);
    const victim = async (n: number) => {
      const statuses: number[] = [];
      for (let turn = 0; turn < 6; turn += 1)
        statuses.push((await app.tryGrant(png, {}, { user: `victim-${n}` })).status);
      return statuses;
    };
    const statuses = await Promise.all(Array.from({ length: 8 }, (_, n) => victim(n)));
    victimsEnded = true;
    await Promise.all(attacking);
    expect(new Set(statuses.flat())).toEqual(new Set([200]));
    expect(refused).toBeGreaterThan(3);
  });
}

forEachStore('hostile input', (store) => testHostileInput(store, null), { only: ['devstore'] });
forEachStore(
  'hostile input with a ledger',
  (store) => forEachLedger('ledger', (testLedger) => testHostileInput(store, testLedger)),
  {
    only: ['devstore'],
  },
);

forEachLedger('a transaction of several owners', (testLedger) => {
  function upload(ownerId: string, more: Partial<NewUpload> = {}): NewUpload {
    const uploadId = randomBytes(16).toString('hex');
    return {
      uploadId,
      route: 'files',
      ownerId,
      key: `files/${ownerId}/${uploadId}`,
      fileName: 'photo.png',
      contentType: 'image/png',
      size: 10,
      partSize: null,
      transfer: 'put',
      checksum: null,
      metadata: undefined,
      reservedBytes: 10,
      expiresInMs: 900_000,
      abandonAfterMs: 600_000,
      quotas: { owner: null, route: null },
      ...more,
    };
  }
  const deep = () => JSON.parse(nested(20_000)) as unknown;
  const cycle = () => {
    const value: Record<string, unknown> = {};
    value.self = value;
    return value;
  };

  async function grantTogether(ledger: Ledger, bad: readonly NewUpload[]): Promise<number> {
    const good = Array.from({ length: 60 }, (_, n) => upload(`owner-${n % 7}`));
    // Grants of the same turn of the event loop share a transaction.
    const all = [...good];
    for (const [index, upload] of bad.entries()) all.splice(7 + index * 9, 0, upload);
    const answers = await Promise.allSettled(all.map((upload) => ledger.grant([upload])));
    const statusOf = (upload: NewUpload) => answers[all.indexOf(upload)]?.status;
    expect(good.map(statusOf)).toEqual(good.map(() => 'fulfilled'));
    expect((await ledger.findMany(good.map(({ uploadId }) => uploadId))).size).toBe(good.length);
    return bad.filter((upload) => statusOf(upload) === 'rejected').length;
  }

  it('F5 a grant whose metadata cannot be written as JSON fails alone', async () => {
    const ledger = await testLedger.open();
    const bad = [deep(), cycle(), { n: 1n }].map((metadata) => upload('mallory', { metadata }));
    expect(await grantTogether(ledger, bad)).toBe(3);
    expect(await ledger.usage('mallory')).toMatchObject({ pendingFiles: 0, pendingBytes: 0 });
  });

  it('F5 a row that the database refuses fails alone', async () => {
    const ledger = await testLedger.open();
    const twice = upload('mallory');
    await ledger.grant([twice]);
    const bad = [
      twice,
      upload('mallory', { fileName: null as never }),
      // Postgres refuses U+0000 in text, and SQLite stores it.
      ...(testLedger.name === 'postgres' ? [upload('mallory', { fileName: 'a\0b' })] : []),
    ];
    expect(await grantTogether(ledger, bad)).toBe(bad.length);
    expect(await ledger.usage('mallory')).toMatchObject({ pendingFiles: 1, pendingBytes: 10 });
  });
});
