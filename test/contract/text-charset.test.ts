/** The charset of text files is detected, stored and sent with views. */
import { beforeAll, expect, it } from 'vitest';
import type { StoredFile } from '../../src/protocol/index.ts';
import { route } from '../../src/server/index.ts';
import { createTestApp, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';

const german = 'Grüße aus Köln, naïve café, 日本語\n';

forEachStore('the charset of text', (store) => {
  let app: ReturnType<typeof createTestApp>;
  beforeAll(() => {
    app = createTestApp(store.storage(), {
      a: route({ limits: { maxBytes: 1_000_000, contentTypes: ['*/*'] }, authorize: () => ({ ownerId: 'anna' }) }),
    });
  });

  async function completeUpload(bytes: Buffer, contentType = 'text/plain'): Promise<StoredFile> {
    const upload = await app.grant(bytes, { fileName: 'note.txt', contentType });
    expect(await send(upload.request, bytes)).toBe(200);
    const { json } = await app.complete(upload.grant);
    const file = json.results?.[0]?.file;
    if (!file) throw new Error(JSON.stringify(json));
    return file;
  }

  async function readContentType(url: string): Promise<string | null> {
    const { headers } = await app.call('GET', url);
    const answer = await fetch(String(headers.location));
    await answer.body?.cancel();
    return answer.headers.get('content-type');
  }

  it.each([
    ['UTF-8', Buffer.from(german), 'utf-8'],
    ['UTF-8 with a BOM', Buffer.from(`\ufeff${german}`), 'utf-8'],
    ['UTF-16LE with a BOM', Buffer.from(`\ufeff${german}`, 'utf16le'), 'utf-16le'],
    ['large UTF-8', Buffer.from(german.repeat(4000)), 'utf-8'],
    ['large ASCII', Buffer.from('plain words\n'.repeat(9000)), 'utf-8'],
  ])('%s is stored and shown with its charset', async (_, bytes, charset) => {
    const file = await completeUpload(bytes);
    expect([file.contentType, file.charset]).toEqual(['text/plain', charset]);
    const type = `text/plain; charset=${charset}`;
    expect((await store.storage().head(file.key))?.contentType.toLowerCase()).toBe(type);
    for (const query of ['', '?download=1']) expect(await readContentType(file.url + query)).toBe(type);
    // viewUrl() returns the same URL for a kept record, and a working URL for a record without a charset.
    expect(app.uploads.viewUrl({ ...file, ownerId: 'anna' })).toBe(file.url);
    const { charset: _left, ...kept } = file;
    expect(await readContentType(app.uploads.viewUrl({ ...kept, ownerId: 'anna' }))).toBe(type);
  });

  it('a file has no charset when it is not Unicode or not text', async () => {
    const file = await completeUpload(Buffer.from('Grüße', 'latin1'));
    expect(file).not.toHaveProperty('charset');
    expect(await readContentType(file.url)).toBe('text/plain');
    const json = await completeUpload(Buffer.from('{"a":"ü"}'), 'application/json');
    expect([json.contentType, await readContentType(json.url)]).toEqual(['application/json', 'application/json']);
  });
});
