/** D: keys and file names. Attack ids: docs/threat-model.md. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { route } from '../../src/server/index.ts';
import { forEachStore } from '../support/stores.ts';
import { type App, completedOf, errorOf, png, send, startApp } from './app.ts';

const hostileNames = [
  '../../etc/passwd.png',
  '..\\..\\windows.png',
  'nul\u0000byte.png',
  'new\nline.png',
  'carriage\r\nSet-Cookie: a=b.png',
  '%2e%2e%2fup.png',
  '\u202Egnp.exe',
  'party\u{1F389}.png',
  `${'x'.repeat(4096)}.png`,
  'a?acl.png',
  'a#b.png',
  'a+b c%20d.png',
  '/leading.png',
  '...',
  '.',
  '..',
  'CON',
  'aux.png',
  'COM1.png',
  `${'$'}{filename}`,
  '"quoted".png',
  "it's;filename=evil.html",
  '.htaccess',
  'a.png/',
  '\uD800.png',
];

forEachStore('keys and names', (store) => {
  let app: App;
  let makeKey: (() => unknown) | undefined;
  let ownerId: unknown = 'alice';
  beforeAll(async () => {
    const limits = { maxBytes: 1000, contentTypes: ['image/*'] };
    app = await startApp(store, {
      routes: {
        files: route({ limits, authorize: ({ request }) => ({ ownerId: request.header('x-user') ?? '' }) }),
        keyed: route({ limits, authorize: () => ({ ownerId: 'alice' }), key: () => makeKey?.() as string }),
        owned: route({ limits, authorize: () => ({ ownerId: ownerId as string }) }),
      },
    });
  });
  afterAll(() => app.stop());

  it.each(hostileNames)('D1 the file name %j is refused or harmless', async (fileName) => {
    const answer = await app.tryGrant(png, { fileName });
    const upload = answer.body.uploads?.[0];
    if (!upload || 'error' in upload) {
      expect([answer.status, errorOf(answer)]).toEqual([400, 'invalid_request']);
      expect(answer.text).not.toContain('X-Amz-');
      return;
    }
    expect((await send(upload.request, png)).status).toBe(200);
    const { file } = completedOf(await app.complete(upload.grant));
    expect(file.key).toMatch(/^files\/alice\/[a-z0-9-]+(\.[a-z0-9]{1,16})?$/);
    const keys = (await app.storage.list({ prefix: 'files/' })).objects.map(({ key }) => key);
    expect(keys).toContain(file.key);
    const download = await app.call('GET', `${file.url}?download=1`);
    const shown = await (await fetch(String(download.headers.location))).arrayBuffer();
    expect(Buffer.from(shown).equals(png)).toBe(true);
  });

  it.each([
    ['a traversal', '../secrets'],
    ['an inner traversal', 'a/../b'],
    ['a dot segment', 'a/./b'],
    ['an empty segment', 'a//b'],
    ['a leading slash', '/a'],
    ['a control character', 'a\u0007b'],
    ['1,025 bytes', `${'é'.repeat(512)}x`],
    ['a form variable', `a/${'$'}{filename}`],
    ['the staging prefix', 'incoming/x'],
    ['nothing', ''],
    ['a number', 7],
  ])('D2 a key callback that returns %s answers internal_error and signs nothing', async (_, key) => {
    makeKey = () => key;
    const answer = await app.tryGrant(png, {}, { name: 'keyed' });
    expect([answer.status, errorOf(answer)]).toEqual([500, 'internal_error']);
    expect(answer.text).not.toContain('X-Amz-');
  });

  it('D2 a key of 1,024 bytes with every printable character is stored byte for byte', async () => {
    const odd = 'k/ !"#$%&\'()*+,-.:;<=>?@[]^_`{|}~äあ𝄞/';
    makeKey = () => odd + 'x'.repeat(900 - Buffer.byteLength(odd));
    const { completed } = await app.store(png, {}, { name: 'keyed' });
    expect(completed.file.key).toBe(makeKey());
    expect((await app.storage.head(completed.file.key))?.size).toBe(png.length);
  });

  it('D3 two equal files in one request are two uploads', async () => {
    const file = await app.declare(png);
    const answer = await app.call('POST', '/uploads', { route: 'files', files: [file, file] });
    const uploads = answer.body.uploads?.map((upload) => ('error' in upload ? upload.error.code : upload.uploadId));
    expect(new Set(uploads).size).toBe(2);
  });

  it('D4 a hostile name never breaks out of Content-Disposition', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string({ minLength: 1, maxLength: 60, unit: 'binary' }), fc.constantFrom(...hostileNames)),
        async (fileName) => {
          const answer = await app.tryGrant(png, { fileName });
          const upload = answer.body.uploads?.[0];
          if (!upload || 'error' in upload) {
            expect(errorOf(answer)).toBe('invalid_request');
            return;
          }
          await send(upload.request, png);
          const { file } = completedOf(await app.complete(upload.grant));
          const view = await app.call('GET', `${file.url}?download=1`);
          const response = await fetch(String(view.headers.location));
          const header = response.headers.get('content-disposition') ?? '';
          await response.body?.cancel();
          // RFC 6266 with an ASCII fallback and an RFC 8187 value, and no further parameter.
          expect(header).toMatch(
            /^attachment(; filename="(?:[\x20-\x21\x23-\x5b\x5d-\x7e])*")?(; filename\*=UTF-8''(?:%[0-9A-F]{2}|[A-Za-z0-9!#$&+.^_`|~-])*)?$/,
          );
        },
      ),
      { numRuns: 60, examples: hostileNames.map((name): [string] => [name]) },
    );
  });

  /** Names that are common in practice and that a server, a storage or a header might change. */
  const oddNames = [
    'my  photo.png',
    'Q3   report  (final).png',
    '  leading and trailing  ',
    'Screen Shot 2024-01-01 at 3.04.05\u202fPM.png',
    'prix\u00a0: 5\u00a0€.png',
    'ends with dots...',
    'setup.exe. .\u00a0',
    'wide\u3000space.png',
    'percent 100% %41.png',
    '"quotes" and \'more\'.png',
    'back\\slash; filename=x.png',
    '\u05e9\u05dc\u05d5\u05dd.png',
    '\u{1F468}\u200d\u{1F469}\u200d\u{1F467} \u{1F389}.png',
    'e\u0301 decomposed.png',
    'a+b & c=d?e#f.png',
    `${'long '.repeat(50)}.png`,
  ];
  const pieces = [
    ' ',
    '  ',
    '\u00a0',
    '\u202f',
    '\u3000',
    '.',
    '"',
    '%',
    '%2e',
    'ä',
    '\u{1F389}',
    '\u05d0',
    ';',
    "'",
    '+',
  ];

  it('D6 every name that can be stored can be shown and downloaded', async () => {
    const pieceLists = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 4 })), {
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(
        pieceLists.map((list) => list.join('')),
        expectShownAndDownloaded,
      ),
      { numRuns: 25, examples: oddNames.map((name): [string] => [name]) },
    );
  });

  async function expectShownAndDownloaded(fileName: string): Promise<void> {
    const answer = await app.tryGrant(png, { fileName });
    const upload = answer.body.uploads?.[0];
    if (!upload || 'error' in upload) {
      expect(errorOf(answer)).toBe('invalid_request');
      return;
    }
    expect((await send(upload.request, png)).status).toBe(200);
    const { file } = completedOf(await app.complete(upload.grant));
    expect(file.fileName).not.toMatch(/^\s|[.\s]$/);
    const stored = await app.storage.head(file.key);
    expect(nameIn(stored?.contentDisposition ?? '')).toBe(file.fileName);
    const { url: direct } = await app.uploads.presignView(file.key, { expiresInSeconds: 60, download: fileName });
    expect(nameIn(await dispositionOf('GET', direct))).toBe(fileName.replace(/\p{Surrogate}/gu, '_'));
    for (const [method, query] of [
      ['GET', ''],
      ['GET', '?download=1'],
      ['GET', '?as=json'],
      ['HEAD', '?download=1'],
    ] as const) {
      const view = await app.call(method, file.url + query);
      const url = view.headers.location ?? (view.body as { url?: string }).url;
      expect(nameIn(await dispositionOf(method, String(url)))).toBe(file.fileName);
    }
  }

  async function dispositionOf(method: 'GET' | 'HEAD', url: string): Promise<string> {
    const response = await fetch(url, { method });
    await response.body?.cancel();
    expect([method, response.status]).toEqual([method, 200]);
    return response.headers.get('content-disposition') ?? '';
  }

  /** Reads the name as a browser does: `filename*` before `filename` (RFC 6266 section 4.3). */
  function nameIn(header: string): string | undefined {
    const extended = /; filename\*=UTF-8''(.*)$/.exec(header)?.[1];
    return extended === undefined ? /; filename="([^"]*)"/.exec(header)?.[1] : decodeURIComponent(extended);
  }

  it.each(['..', '.', 'a/b', '', 'a\\b', 'a\u0000', `${'$'}{x}`, 7, null, 'x'.repeat(2000)])(
    'D5 ownerId %j is refused',
    async (owner) => {
      ownerId = owner;
      const answer = await app.tryGrant(png, {}, { name: 'owned' });
      expect([answer.status, errorOf(answer)]).toEqual([500, 'internal_error']);
      expect(answer.text).not.toContain('X-Amz-');
    },
  );
});
