/** B: grants. Attack ids: docs/threat-model.md. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { route } from '../../src/server/index.ts';
import { forEachStore } from '../support/stores.ts';
import { type App, completedOf, errorOf, png, secret, send, startApp } from './app.ts';

forEachStore('grants', (store) => {
  let app: App;
  beforeAll(async () => {
    app = await startApp(store);
  });
  afterAll(() => app.stop());

  it('B2 an expired grant completes an object that has arrived, and answers upload_expired otherwise', async () => {
    let offset = 0;
    const late = await startApp(store, { now: () => Date.now() + offset });
    const [absent, present] = [await late.grant(png), await late.grant(png)];
    expect((await send(present.request, png)).status).toBeLessThan(300);
    offset = 8 * 24 * 3600 * 1000;
    const answer = await late.complete([absent.grant, present.grant]);
    expect(answer.body.results).toMatchObject([{ error: { code: 'upload_expired' } }, { file: { size: png.length } }]);
    await late.stop();
  });

  it('B2 a grant of the previous secret works, and one of a removed secret does not', async () => {
    const rotated = await startApp(store, { secret: [`${secret}-new`, secret] });
    const removed = await startApp(store, { secret: `${secret}-new` });
    const upload = await app.grant(png);
    await send(upload.request, png);
    expect(errorOf(await removed.complete(upload.grant))).toBe('grant_invalid');
    expect(completedOf(await rotated.complete(upload.grant)).uploadId).toBe(upload.uploadId);
    await rotated.stop();
    await removed.stop();
  });

  it('B3 fifty completions of one grant at once give one callback and one result', async () => {
    const upload = await app.grant(png);
    await send(upload.request, png);
    app.announced.length = 0;
    const answers = await Promise.all(Array.from({ length: 50 }, () => app.complete(upload.grant)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(completedOf(answers[0] as (typeof answers)[0]).uploadId).toBe(upload.uploadId);
    expect(app.announced.map(({ uploadId }) => uploadId)).toEqual([upload.uploadId]);
  });

  it('B4 completion is refused for an upload that was never sent, and for a receipt', async () => {
    const sent = await app.grant(png);
    const never = await app.grant(png);
    await send(sent.request, png);
    expect(errorOf(await app.complete(never.grant))).toBe('object_not_ready');
    expect(errorOf(await app.complete(receiptOf(await app.grant(png))))).toBe('grant_invalid');
  });

  it('B4 abort and complete exclude each other', async () => {
    const aborted = await app.grant(png);
    await send(aborted.request, png);
    expect((await app.abort(aborted.grant)).status).toBe(200);
    expect(errorOf(await app.complete(aborted.grant))).toBe('upload_conflict');
    const { upload } = await app.store(png);
    expect(errorOf(await app.abort(upload.grant))).toBe('upload_conflict');
    expect(completedOf(await app.complete(upload.grant)).uploadId).toBe(upload.uploadId);
  });
});

forEachStore(
  'tampered grants',
  (store) => {
    let app: App;
    beforeAll(async () => {
      app = await startApp(store);
    });
    afterAll(() => app.stop());

    it('B1 every mutation of a grant is grant_invalid (12,000 cases)', async () => {
      const [first, second] = [(await app.grant(png)).grant, (await app.grant(png, {}, { user: 'bob' })).grant];
      const position = fc.nat({ max: first.length - 1 });
      const mutation = fc.oneof(
        fc.tuple(position, fc.nat({ max: 5 })).map(([at, bit]) => flipBits(first, at, 1 << bit)),
        position.map((at) => first.slice(0, at)),
        fc.string({ minLength: 1, maxLength: 40, unit: 'binary-ascii' }).map((tail) => first + tail),
        position.map((at) => first.slice(0, at) + second.slice(at)),
        fc.constant(Buffer.from(first, 'base64url').toString('base64')),
        fc.string({ maxLength: 400 }),
        position.map((at) => `${first.slice(0, at)}=${first.slice(at)}`),
      );
      let checked = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(mutation, { minLength: 100, maxLength: 100 }), async (cases) => {
          const grants = cases.filter((grant) => grant !== first && grant !== second);
          const answer = await app.complete(grants);
          for (const [index, result] of (answer.body.results ?? []).entries()) {
            expect([grants[index], 'error' in result && result.error.code]).toEqual([grants[index], 'grant_invalid']);
            checked++;
          }
          expect(answer.body.results?.length).toBe(grants.length);
        }),
        { numRuns: 120 },
      );
      expect(checked).toBeGreaterThan(10_000);
    });

    it('B1 a grant of another secret or of another route is refused', async () => {
      const other = await startApp(store, { secret: 'another-secret-of-more-than-32-characters!' });
      const { grant } = await other.grant(png);
      expect(errorOf(await app.complete(grant))).toBe('grant_invalid');
      const otherRoutes = await startApp(store, {
        routes: { gone: route({ limits: { maxBytes: 1000 }, authorize: () => ({ ownerId: 'alice' }) }) },
      });
      const upload = await otherRoutes.grant(png, {}, { name: 'gone' });
      expect(['grant_invalid', 'route_not_found', 'upload_not_found']).toContain(
        errorOf(await app.complete(upload.grant)),
      );
      await other.stop();
      await otherRoutes.stop();
    });
  },
  // Tampered grants are refused before the store is called.
  { only: ['devstore'] },
);

/** The receipt from the object's metadata, which an attacker could present as a grant. */
function receiptOf(upload: { request: { headers: Record<string, string>; fields?: Record<string, string> } }): string {
  const receipt = upload.request.headers['x-amz-meta-waybill'] ?? upload.request.fields?.['x-amz-meta-waybill'];
  if (!receipt) throw new Error('The request has no receipt.');
  return receipt;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function flipBits(text: string, at: number, mask: number): string {
  const value = alphabet.indexOf(text[at] as string);
  return text.slice(0, at) + (value < 0 ? 'A' : alphabet[value ^ mask]) + text.slice(at + 1);
}
