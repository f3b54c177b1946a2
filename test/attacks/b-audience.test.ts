/**
 * B5: a grant completes only at its own deployment, and under the current limits of the route.
 * Attack ids: docs/threat-model.md.
 */
import { afterEach, expect, it } from 'vitest';
import type { Limits } from '../../src/protocol/index.ts';
import { route, type UploadsOptions } from '../../src/server/index.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { createParts, partSize, pngOf } from '../support/multipart.ts';
import { createTestApp } from '../support/server-app.ts';
import { forEachStore, type TestStore } from '../support/stores.ts';
import { type App, completedOf, errorOf, png, send, stagedKey, startApp } from './app.ts';

const html = Buffer.from('<!doctype html><script>1</script>');
const owner = () => ({ ownerId: 'alice' });

forEachStore('audience', (store) => {
  const started: App[] = [];
  const announced: string[] = [];
  afterEach(async () => {
    announced.length = 0;
    await Promise.all(started.splice(0).map((app) => app.stop()));
  });
  async function open(limits: Limits | null, options: Partial<UploadsOptions> = {}): Promise<App> {
    const files = route({
      limits: limits ?? { maxBytes: 1 },
      authorize: owner,
      onComplete: ({ uploadId }) => void announced.push(uploadId),
    });
    const app = await startApp(store, {
      routes: limits ? { files } : { other: files },
      ...options,
    } as Partial<UploadsOptions>);
    started.push(app);
    return app;
  }
  const wideLimits = { maxBytes: 1e6, contentTypes: ['text/html', 'image/*', 'text/plain'] };

  it.each<[string, () => Promise<Partial<UploadsOptions>>]>([
    ['another staging prefix', async () => ({ stagingPrefix: 'elsewhere/' })],
    ['another name', async () => ({ deployment: 'other' })],
    ['another bucket', async () => ({ storage: store.storage({ bucket: await otherBucket(store) }) })],
  ])('B5 a grant is refused by a deployment with the same secret and %s', async (_, optionsOf) => {
    const issuer = await open(wideLimits);
    const otherDeployment = await open(wideLimits, await optionsOf());
    const upload = await issuer.grant(png);
    expect((await send(upload.request, png)).status).toBe(200);
    for (const answer of [await otherDeployment.complete(upload.grant), await otherDeployment.abort(upload.grant)])
      expect([answer.status, errorOf(answer)]).toEqual([403, 'grant_invalid']);
    expect(announced).toEqual([]);
    expect(completedOf(await issuer.complete(upload.grant)).uploadId).toBe(upload.uploadId);
  });

  it.each<[string, Limits | null, string]>([
    ['smaller files', { ...wideLimits, maxBytes: 10 }, 'file_too_large'],
    ['larger files', { ...wideLimits, minBytes: 1000 }, 'file_too_small'],
    ['other types', { maxBytes: 1e6, contentTypes: ['image/png'] }, 'content_type_not_allowed'],
    ['other extensions', { ...wideLimits, extensions: ['png'] }, 'content_type_not_allowed'],
    ['nothing, because it was removed', null, 'upload_not_found'],
  ])('B5 a route that now takes %s completes no upload that was granted before', async (_, limits, code) => {
    const before = await open(wideLimits);
    const after = await open(limits);
    const upload = await before.grant(html, { fileName: 'x.html', contentType: 'text/html' });
    expect((await send(upload.request, html)).status).toBe(200);
    expect(errorOf(await after.complete(upload.grant))).toBe(code);
    expect(announced).toEqual([]);
    expect(
      (await after.storage.list({ prefix: 'files/alice/' })).objects.filter(({ key }) => key.includes(upload.uploadId)),
    ).toEqual([]);
    if (limits === null) return;
    expect(await after.storage.head(stagedKey(store, upload.request))).toBeNull();
    // The rejection is final, also for a replica with the old limits.
    expect(errorOf(await before.complete(upload.grant))).toBe(code);
  });

  it('B5 an upload in parts is neither signed nor completed beyond the current limits', async () => {
    const bytes = pngOf(partSize + 1000);
    const routes = (maxBytes: number) => ({
      a: route({ limits: { maxBytes }, authorize: owner, onComplete: ({ uploadId }) => void announced.push(uploadId) }),
    });
    const options = { multipartMinBytes: partSize };
    const before = createParts(createTestApp(store.storage(), routes(bytes.length), options));
    const after = createParts(createTestApp(store.storage(), routes(bytes.length - 1), options));
    const upload = await before.begin(bytes);
    const signing = await after.sign(upload.grant, [after.declare(bytes, 1)]);
    expect(signing.json.error?.code).toBe('file_too_large');
    expect((await after.list(upload.grant)).json.error?.code).toBe('file_too_large');
    await before.send(upload.grant, bytes);
    expect((await after.complete(upload.grant)).json.error?.code).toBe('file_too_large');
    expect(announced).toEqual([]);
  });
});

forEachStore('audience of shared files', (store) => {
  forEachLedger('ledger', (testLedger) => {
    it('B5 a file that is shared must fit the current limits', async () => {
      const ledger = await testLedger.open();
      const routes = (limits: Limits) => ({ a: route({ limits, authorize: owner, dedupe: true }) });
      if (!store.storage().capabilities.checksums.includes('sha256')) return;
      const before = createTestApp(store.storage(), routes({ maxBytes: 1000 }), { ledger });
      const after = createTestApp(store.storage(), routes({ maxBytes: 10 }), { ledger });
      const first = await before.grant(png);
      await send(first.request, png);
      await before.complete(first.grant);
      const { json } = await before.call('POST', '/uploads', {
        route: 'a',
        files: [before.declare(png)],
        transfers: ['none', 'put'],
      });
      const second = json.uploads?.[0];
      expect(second).toMatchObject({ transfer: 'none' });
      expect((await after.complete(second?.grant ?? '')).json.error?.code).toBe('file_too_large');
    });
  });
});

async function otherBucket(store: TestStore): Promise<string> {
  return store.name === 'external' ? store.bucket : store.createBucket();
}
