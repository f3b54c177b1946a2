/** F5: grants of several owners share a transaction, and nothing that one of them declares may fail those of the others. */
import { randomBytes } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { type Ledger, type NewUpload, route, type StandardSchema } from '../../src/server/index.ts';
import { forEachLedger, type TestLedger } from '../support/ledgers.ts';
import { forEachStore, type TestStore } from '../support/stores.ts';
import { type App, errorOf, png, startApp } from './app.ts';

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** Metadata as it stands in the body. */
const hostile: readonly (readonly [what: string, json: string])[] = [
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

/** Takes everything, and makes of some what cannot be written as JSON, as an app's schema may. */
const schema: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => ({ value: (value as { big?: boolean } | null)?.big ? { n: 1n } : value }),
  },
};

function attacks(store: TestStore, place: TestLedger | null): void {
  const started: App[] = [];
  async function start(): Promise<App> {
    const limits = { maxBytes: 1024 * 1024, maxFiles: 100 };
    const authorize = ({ request }: { request: { header(name: string): string | undefined } }) => ({
      ownerId: request.header('x-user') ?? 'nobody',
    });
    const routes = { files: route({ limits, metadata: schema, authorize }) };
    const app = await startApp(store, { routes, ...(place ? { ledger: await place.open() } : {}) } as never);
    started.push(app);
    return app;
  }
  afterEach(async () => {
    await Promise.all(started.splice(0).map((one) => one.stop()));
  });

  it('F5 metadata that a ledger or a serialiser cannot take is invalid_request, for the request and for one file', async () => {
    const app = await start();
    const file = JSON.stringify(await app.declare(png));
    for (const [what, json] of hostile)
      for (const body of [
        `{"route":"files","files":[${file}],"metadata":${json}}`,
        `{"route":"files","files":[${file.slice(0, -1)},"metadata":${json}}]}`,
      ]) {
        const answer = await app.call('POST', '/uploads', body);
        expect([what, answer.status, errorOf(answer)]).toEqual([what, 400, 'invalid_request']);
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

  it('F5 metadata for many files at once is bounded by what it becomes on record', async () => {
    const app = await start();
    const file = await app.declare(png);
    const ask = (count: number, text: string) =>
      app.call('POST', '/uploads', { route: 'files', files: Array(count).fill(file), metadata: { text } });
    const refused = await ask(100, 'x'.repeat(20_000));
    expect([refused.status, errorOf(refused)]).toEqual([400, 'invalid_request']);
    expect((await ask(100, 'x'.repeat(100))).status).toBe(200);
  });

  it('F5 hostile requests all the time, and every other owner is served', async () => {
    const app = await start();
    const file = JSON.stringify(await app.declare(png));
    let over = false;
    let refused = 0;
    const attack = async (json: string) => {
      while (!over) {
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
    over = true;
    await Promise.all(attacking);
    expect(new Set(statuses.flat())).toEqual(new Set([200]));
    expect(refused).toBeGreaterThan(3);
  });
}

forEachStore('what one owner declares', (store) => attacks(store, null), { only: ['devstore'] });
forEachStore('what one owner declares, on record', (store) => forEachLedger('in', (place) => attacks(store, place)), {
  only: ['devstore'],
});

forEachLedger('a transaction of several owners', (place) => {
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

  async function together(ledger: Ledger, bad: readonly NewUpload[]): Promise<number> {
    const good = Array.from({ length: 60 }, (_, n) => upload(`owner-${n % 7}`));
    // Among the others, and in the same turn of the event loop: they share a transaction.
    const all = [...good];
    for (const [index, one] of bad.entries()) all.splice(7 + index * 9, 0, one);
    const answers = await Promise.allSettled(all.map((one) => ledger.grant([one])));
    const statusOf = (one: NewUpload) => answers[all.indexOf(one)]?.status;
    expect(good.map(statusOf)).toEqual(good.map(() => 'fulfilled'));
    expect((await ledger.findMany(good.map(({ uploadId }) => uploadId))).size).toBe(good.length);
    return bad.filter((one) => statusOf(one) === 'rejected').length;
  }

  it('F5 what cannot be written as JSON fails alone', async () => {
    const ledger = await place.open();
    const bad = [deep(), cycle(), { n: 1n }].map((metadata) => upload('mallory', { metadata }));
    expect(await together(ledger, bad)).toBe(3);
    expect(await ledger.usage('mallory')).toMatchObject({ pendingFiles: 0, pendingBytes: 0 });
  });

  it('F5 a row that the database refuses fails alone', async () => {
    const ledger = await place.open();
    const twice = upload('mallory');
    await ledger.grant([twice]);
    const bad = [
      twice,
      upload('mallory', { fileName: null as never }),
      // Text for Postgres is without U+0000; SQLite takes it.
      ...(place.name === 'postgres' ? [upload('mallory', { fileName: 'a\0b' })] : []),
    ];
    expect(await together(ledger, bad)).toBe(bad.length);
    expect(await ledger.usage('mallory')).toMatchObject({ pendingFiles: 1, pendingBytes: 10 });
  });
});
