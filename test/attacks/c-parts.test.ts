/** Uploads in parts: C8, and A, B, C11, E and F1 for multipart. Attack ids: docs/threat-model.md. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MiB, partBytes, WaybillError } from '../../src/protocol/index.ts';
import { route } from '../../src/server/index.ts';
import { partSize, pngOf } from '../support/multipart.ts';
import { forEachStore } from '../support/stores.ts';
import { type App, completedOf, errorOf, exposedTexts, partsOf, png, secret, send, startApp } from './app.ts';

const maxBytes = 12 * MiB;
/** One full part and a small one. */
const bytes = pngOf(partSize + 100);

forEachStore('uploads in parts', (store) => {
  let app: App;
  let parts: ReturnType<typeof partsOf>;
  beforeAll(async () => {
    app = await startApp(store);
    parts = partsOf(app);
  });
  afterAll(() => app.stop());

  const begin = (content: Uint8Array | null = bytes, more: object = {}) => parts.begin(content, more, 'large');

  async function signPart(grant: string, partNumber: number) {
    const { json } = await parts.sign(grant, [parts.declare(bytes, partNumber)]);
    const request = json.parts?.[0]?.request;
    if (!request) throw new Error(`Not signed: ${JSON.stringify(json)}`);
    return request;
  }

  const listPartNumbers = async (grant: string) =>
    (await parts.list(grant)).json.parts?.map(({ partNumber }) => partNumber);

  async function expectNothingStaged(uploadId: string): Promise<void> {
    const { uploads } = await app.storage.listMultiparts({ prefix: `incoming/${uploadId}` });
    expect(uploads).toEqual([]);
    expect(await app.storage.head(`incoming/${uploadId}`)).toBeNull();
    expect(await app.storage.head(`incoming/.waybill/${uploadId}.parts`)).toBeNull();
  }

  it('C8 another part number, size, bytes, method, key or multipart upload is refused', async () => {
    const [own, other] = [await begin(), await begin()];
    const request = await signPart(own.grant, 2);
    const otherRequest = await signPart(other.grant, 2);
    const body = parts.partOf(bytes, 2);
    const forged = Buffer.from(body);
    forged[50] = (forged[50] as number) ^ 1;
    const multipartOf = (url: string) => new URL(url).searchParams.get('uploadId') ?? '';
    const changes: [string, Uint8Array | null, Parameters<typeof send>[2]][] = [
      ['another number', body, { url: request.url.replace('partNumber=2', 'partNumber=1') }],
      ['a number that is not in the plan', body, { url: request.url.replace('partNumber=2', 'partNumber=3') }],
      [
        'another multipart',
        body,
        { url: request.url.replace(multipartOf(request.url), multipartOf(otherRequest.url)) },
      ],
      ['another key', body, { url: request.url.replace(own.uploadId, other.uploadId) }],
      ['other bytes', forged, {}],
      ['one byte more', Buffer.concat([body, Buffer.from('x')]), { headers: { 'content-length': '101' } }],
      ['one byte fewer', body.subarray(1), { headers: { 'content-length': '99' } }],
      ['no length', body, { chunked: true }],
      ['nothing', Buffer.alloc(0), { headers: { 'content-length': '0' } }],
      ['no checksum', body, { headers: { 'x-amz-checksum-sha256': null, 'content-md5': null } }],
      ['a GET, which lists parts', null, { method: 'GET', headers: { 'content-length': null } }],
      ['a DELETE, which aborts', null, { method: 'DELETE', headers: { 'content-length': null } }],
      ['a POST, which completes', body, { method: 'POST' }],
      ['no multipart at all', body, { url: request.url.replace(/&partNumber=2&uploadId=[^&]*/, '') }],
      ['another signature', body, { url: request.url.replace(/Signature=./, 'Signature=g') }],
    ];
    for (const [attack, sent, change] of changes) {
      const answer = await send(request, sent, change);
      expect([attack, answer.status >= 400 && answer.status < 500]).toEqual([attack, true]);
    }
    expect([await listPartNumbers(own.grant), await listPartNumbers(other.grant)]).toEqual([[], []]);
    // The unchanged request is accepted, so the changes caused the refusals above.
    expect((await send(request, body)).status).toBe(200);
    expect(await listPartNumbers(own.grant)).toEqual([2]);
    await app.abort([own.grant, other.grant]);
  });

  it('C8 a part without a checksum still binds its size, and accepts no other algorithm', async () => {
    const sized = await startApp(store, {
      routes: {
        large: route({ limits: { maxBytes }, integrity: 'size-only', authorize: () => ({ ownerId: 'alice' }) }),
      },
    });
    const own = partsOf(sized);
    const upload = await own.begin(bytes);
    const bare = { partNumber: 2, size: 100 };
    const request = (await own.sign(upload.grant, [bare])).json.parts?.[0]?.request;
    if (!request) return expect.unreachable();
    for (const size of [0, 99, 101, 200]) {
      const body = Buffer.alloc(size);
      const answer = await send(request, body, { headers: { 'content-length': String(size) } });
      expect([size, answer.status >= 400 && answer.status < 500]).toEqual([size, true]);
    }
    expect((await own.list(upload.grant)).json.parts).toEqual([]);
    const named = await own.sign(upload.grant, [{ ...bare, checksum: { algorithm: 'crc32', value: 'AAAAAA==' } }]);
    expect(named.json.error?.code).toBe('part_invalid');
    expect((await send(request, own.partOf(bytes, 2))).status).toBe(200);
    const first = (await own.sign(upload.grant, [{ partNumber: 1, size: partSize }])).json.parts?.[0]?.request;
    expect(first && (await send(first, own.partOf(bytes, 1))).status).toBe(200);
    const { status, json } = await own.complete({ grant: upload.grant, size: bytes.length });
    expect([status, json.results?.[0]?.file?.size, json.results?.[0]?.file?.checksum]).toEqual([
      200,
      bytes.length,
      null,
    ]);
    await sized.stop();
  });

  it('C8 C11 a part after completion, rejection or abort is refused, and nothing is left', async () => {
    const ends: Record<string, (grant: string) => Promise<unknown>> = {
      completed: (grant) => parts.complete(grant),
      rejected: (grant) => parts.complete({ grant, checksum: parts.compositeOf(pngOf(9)) }),
      aborted: (grant) => app.abort(grant),
    };
    for (const [end, reach] of Object.entries(ends)) {
      const upload = await begin();
      const request = await signPart(upload.grant, 2);
      await parts.send(upload.grant, bytes);
      await reach(upload.grant);
      const late = await send(request, parts.partOf(bytes, 2));
      expect([end, late.status]).toEqual([end, 404]);
      await expectNothingStaged(upload.uploadId);
      expect(errorOf(await app.call('POST', '/uploads/parts/list', { grant: upload.grant }))).toBe('upload_conflict');
      if (end !== 'completed') expect((await parts.complete(upload.grant)).status).toBeGreaterThanOrEqual(400);
    }
  });

  it('C8 a part outside of the plan is never signed', async () => {
    const upload = await begin();
    const good = parts.declare(bytes, 2);
    const wrong: [string, object][] = [
      ['a third part', { ...good, partNumber: 3 }],
      ['number 10,000', { ...good, partNumber: 10_000 }],
      ['one byte more', { ...good, size: 101 }],
      ['one byte fewer', { ...good, size: 99 }],
      ['a full last part', { ...good, size: partSize }],
      ['an empty part', { ...good, size: 0 }],
      ['no checksum', { ...good, checksum: undefined }],
      ['a weak checksum', { ...good, checksum: { algorithm: 'crc32', value: 'AAAAAA==' } }],
      ['an unknown host', { ...good, host: 1 }],
    ];
    for (const [attack, part] of wrong) {
      const { status, json } = await parts.sign(upload.grant, [part as typeof good]);
      expect([attack, status, json.error?.code]).toEqual([attack, 422, 'part_invalid']);
      expect(JSON.stringify(json)).not.toContain('X-Amz-');
    }
    for (const [attack, part] of [
      ['number 0', { ...good, partNumber: 0 }],
      ['number 10,001', { ...good, partNumber: 10_001 }],
      ['a negative size', { ...good, size: -1 }],
      ['half a byte', { ...good, size: 99.5 }],
      ['a malformed checksum', { ...good, checksum: { algorithm: good.checksum?.algorithm, value: 'x' } }],
    ] as const) {
      const { status, json } = await parts.sign(upload.grant, [part as typeof good]);
      expect([attack, status, json.error?.code]).toEqual([attack, 400, 'invalid_request']);
    }
    const many = Array.from({ length: 1001 }, () => good);
    expect((await parts.sign(upload.grant, many)).json.error?.code).toBe('invalid_request');
    expect((await parts.sign(upload.grant, [])).json.error?.code).toBe('invalid_request');
    expect((await parts.sign(upload.grant, [good], { expiresInSeconds: 604_801 })).json.error?.code).toBe(
      'invalid_request',
    );
    // The valid part is signed although the other one fails.
    const mixed = await parts.sign(upload.grant, [{ ...good, partNumber: 3 }, good]);
    expect(mixed.json.parts).toMatchObject([{ error: { code: 'part_invalid' } }, { partNumber: 2 }]);
    expect(mixed.status).toBe(200);
    await app.abort(upload.grant);
  });

  it('C8 a stream gets no part that exceeds maxBytes', async () => {
    const stream = await begin(null);
    const { checksum } = parts.declare(bytes, 2);
    if (!checksum) return expect.unreachable();
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            partNumber: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 10_000 })),
            size: fc.oneof(
              fc.constantFrom(0, 1, partSize - 1, partSize, partSize + 1, 2 * MiB, 2 * MiB + 1),
              fc.nat({ max: maxBytes }),
            ),
          }),
          { minLength: 100, maxLength: 100 },
        ),
        async (declared) => {
          const { json } = await parts.sign(
            stream.grant,
            declared.map((part) => ({ ...part, checksum })),
          );
          for (const [index, { partNumber, size }] of declared.entries()) {
            const fits = size > 0 && size <= partSize && (partNumber - 1) * partSize + size <= maxBytes;
            expect([partNumber, size, json.parts?.[index]?.request !== undefined]).toEqual([partNumber, size, fits]);
          }
        },
      ),
      { numRuns: 20 },
    );
    await app.abort(stream.grant);
  });

  it('C8 an expired grant signs nothing, and only its owner can renew it', async () => {
    let offset = 0;
    const late = await startApp(store, { now: () => Date.now() + offset });
    const own = partsOf(late);
    const upload = await own.begin(bytes, {}, 'large');
    offset = 3600_000;
    const { status, json } = await own.sign(upload.grant, [own.declare(bytes, 1)]);
    expect([status, json.error?.code]).toEqual([410, 'upload_expired']);
    expect((await partsOf(late, 'mallory').list(upload.grant)).status).toBe(404);
    const renewed = (await own.list(upload.grant)).json.grant ?? '';
    offset = 0;
    await own.send(renewed, bytes);
    expect((await own.complete(renewed)).status).toBe(200);
    await late.stop();
  });

  it('C8 missing parts are never completed, regardless of what the client reports', async () => {
    const upload = await begin();
    const report = { grant: upload.grant, checksum: parts.compositeOf(bytes), size: bytes.length };
    const nothing = await parts.complete(report);
    expect([nothing.status, nothing.json.error]).toMatchObject([
      409,
      { code: 'object_not_ready', details: { missing: [1, 2] } },
    ]);
    await parts.send(upload.grant, bytes, [2]);
    const half = await parts.complete(report);
    expect(half.json.error).toMatchObject({ code: 'object_not_ready', details: { missing: [1] } });
    expect(await app.storage.head(`incoming/${upload.uploadId}`)).toBeNull();
    await parts.send(upload.grant, bytes, [1]);
    expect((await parts.complete(report)).status).toBe(200);
  });

  it('C8 a stream that reports a smaller, a larger or no size is not completed', async () => {
    const stream = await begin(null);
    await parts.send(stream.grant, bytes);
    const { grant } = stream;
    const sizes: [number | undefined, string][] = [
      [undefined, 'invalid_request'],
      [bytes.length - 1, 'size_mismatch'],
      [partSize, 'size_mismatch'],
      [1, 'size_mismatch'],
      [0, 'file_too_small'],
      [bytes.length + 1, 'part_invalid'],
      [2 * partSize + 1, 'part_invalid'],
      [maxBytes + 1, 'file_too_large'],
    ];
    for (const [size, code] of sizes) {
      const answer = await parts.complete(size === undefined ? grant : { grant, size });
      expect([size, answer.json.error?.code]).toEqual([size, code]);
    }
    expect((await parts.complete({ grant, size: bytes.length })).status).toBe(200);
  });

  it('C8 parts of two files are never completed as one', async () => {
    const edited = pngOf(bytes.length, 7);
    for (const reported of [bytes, edited]) {
      const upload = await begin();
      await parts.send(upload.grant, bytes, [1]);
      await parts.send(upload.grant, Buffer.concat([bytes.subarray(0, partSize), Buffer.alloc(100, 1)]), [2]);
      const answer = await parts.complete({ grant: upload.grant, checksum: parts.compositeOf(reported) });
      expect([answer.status, answer.json.error?.code]).toEqual([422, 'checksum_mismatch']);
      await expectNothingStaged(upload.uploadId);
    }
  });

  it('A2 A5 a refused request begins nothing at the storage', async () => {
    const before = (await app.storage.listMultiparts({ prefix: 'incoming/' })).uploads.length;
    const sidecars = (await app.storage.list({ prefix: 'incoming/.waybill/' })).objects.length;
    const declare = (more: object) => ({
      route: 'large',
      files: [{ fileName: 'a.png', size: bytes.length, contentType: 'image/png', ...more }],
      transfers: ['multipart'],
    });
    const refused: [object, Record<string, string>, string][] = [
      [declare({}), { 'x-user': '' }, 'unauthenticated'],
      [declare({ size: maxBytes + 1 }), {}, 'file_too_large'],
      [declare({ partSize: partSize - 1 }), {}, 'invalid_request'],
      [declare({ host: 1 }), {}, 'invalid_request'],
      [declare({ size: 0 }), {}, 'file_too_small'],
      [{ ...declare({ size: null }), transfers: ['put', 'form'] }, {}, 'invalid_request'],
      [{ ...declare({}), route: 'constructor' }, {}, 'route_not_found'],
    ];
    for (const [body, headers, code] of refused) {
      const answer = await app.call('POST', '/uploads', body, headers);
      expect([body, errorOf(answer)]).toEqual([body, code]);
    }
    expect((await app.storage.listMultiparts({ prefix: 'incoming/' })).uploads).toHaveLength(before);
    expect((await app.storage.list({ prefix: 'incoming/.waybill/' })).objects).toHaveLength(sidecars);
  });

  it('A3 the calls for parts answer 401 without credentials, and another owner gets upload_not_found', async () => {
    const [upload, ended] = [await begin(), await begin()];
    await app.abort(ended.grant);
    const calls = ({ grant }: { grant: string }): [string, unknown][] => [
      ['/uploads/parts', { grant, parts: [parts.declare(bytes, 1)] }],
      ['/uploads/parts/list', { grant }],
      ['/uploads/complete', { grants: [{ grant, size: bytes.length }] }],
      ['/uploads/abort', { grants: [grant] }],
    ];
    for (const [index, [path, body]] of calls(upload).entries()) {
      const anonymous = await app.call('POST', path, body, { 'x-user': '' });
      expect([path, anonymous.status, errorOf(anonymous)]).toEqual([path, 401, 'unauthenticated']);
      const other = await app.call('POST', path, body, { 'x-user': 'mallory' });
      expect([path, other.status, errorOf(other)]).toEqual([path, 404, 'upload_not_found']);
      const unknown = await app.call('POST', path, calls(ended)[index]?.[1], { 'x-user': 'mallory' });
      const withoutIds = (text: string) => text.replace(/"requestId":"[^"]*"/g, '');
      expect([unknown.status, withoutIds(unknown.text)]).toEqual([other.status, withoutIds(other.text)]);
    }
    // The refused calls changed nothing.
    expect(await listPartNumbers(upload.grant)).toEqual([]);
    await app.abort(upload.grant);
  });

  it('B1 a spliced, shortened or changed grant is grant_invalid', async () => {
    const [one, two] = [(await begin()).grant, (await begin()).grant];
    const single = (await app.grant(png)).grant;
    const [receipt = '', proof = '', extra = ''] = one.split('.');
    const [, otherProof = '', otherExtra = ''] = two.split('.');
    const position = fc.nat({ max: one.length - 1 });
    const fixed = [
      `${receipt}.${proof}`,
      `${receipt}.${proof}.`,
      `${receipt}.${proof}.${otherExtra}`,
      `${receipt}.${otherProof}.${extra}`,
      `${receipt}.${proof}.${receipt}`,
      `${receipt}.${proof}.${extra}.${extra}`,
      `${single}.${extra}`,
      `${extra}.${proof}.${extra}`,
      `${extra}.${proof}`,
      receipt,
      extra,
    ];
    const mutation = fc.oneof(
      fc
        .tuple(position, fc.constantFrom('A', 'B', 'x', '.', '=', '-'))
        .map(([at, put]) => replaceCharacter(one, at, put)),
      position.map((at) => one.slice(0, at)),
      position.map((at) => one.slice(0, at) + two.slice(at)),
      fc.constantFrom(...fixed),
    );
    let checked = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 90, maxLength: 90 }), async (cases) => {
        const grants = [...fixed, ...cases].filter((grant) => grant !== one && grant !== two).slice(0, 100);
        for (const verb of ['complete', 'abort'] as const)
          for (const [index, result] of ((await app[verb](grants)).body.results ?? []).entries()) {
            expect([grants[index], 'error' in result && result.error.code]).toEqual([grants[index], 'grant_invalid']);
            checked += 1;
          }
        for (const grant of grants.slice(0, 4)) {
          const answers = [await parts.list(grant), await parts.sign(grant, [parts.declare(bytes, 1)])];
          expect([grant, ...answers.map(({ json }) => json.error?.code)]).toEqual([
            grant,
            'grant_invalid',
            'grant_invalid',
          ]);
        }
      }),
      { numRuns: store.name === 'devstore' ? 55 : 2 },
    );
    expect(checked).toBeGreaterThan(store.name === 'devstore' ? 10_000 : 100);
    expect([await listPartNumbers(one), await listPartNumbers(two)]).toEqual([[], []]);
    // A grant for one request has no parts.
    expect((await parts.list(single)).json.error?.code).toBe('part_invalid');
    expect((await parts.sign(single, [parts.declare(bytes, 1)])).json.error?.code).toBe('part_invalid');
    await app.abort([one, two]);
  });

  it('B2 a grant of the previous secret works, and one of a removed secret does not', async () => {
    const upload = await begin();
    const rotated = await startApp(store, { secret: [`${secret}-new`, secret] });
    const removed = await startApp(store, { secret: `${secret}-new` });
    expect((await partsOf(removed).list(upload.grant)).json.error?.code).toBe('grant_invalid');
    const own = partsOf(rotated);
    await own.send((await own.list(upload.grant)).json.grant ?? '', bytes);
    expect((await own.complete(upload.grant)).status).toBe(200);
    await rotated.stop();
    await removed.stop();
  });

  it('B3 fifty completions at once give one callback and one result', async () => {
    const upload = await begin();
    await parts.send(upload.grant, bytes);
    app.announced.length = 0;
    const answers = await Promise.all(Array.from({ length: 50 }, () => app.complete(upload.grant)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(completedOf(answers[0] as (typeof answers)[0]).uploadId).toBe(upload.uploadId);
    expect(app.announced.map(({ uploadId }) => uploadId)).toEqual([upload.uploadId]);
    await expectNothingStaged(upload.uploadId);
  });

  it('B3 two processes that complete at once announce once', async () => {
    const second = await startApp(store);
    const upload = await begin();
    await parts.send(upload.grant, bytes);
    app.announced.length = 0;
    const both = [app, second];
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => both[n % 2]?.complete(upload.grant)));
    expect(answers.map((answer) => answer?.status).every((status) => status === 200 || status === 202)).toBe(true);
    const later = await Promise.all(both.map((each) => each.complete(upload.grant)));
    expect(later.map(({ status }) => status)).toEqual([200, 200]);
    expect(later[0]?.body).toEqual(later[1]?.body);
    expect([...app.announced, ...second.announced]).toHaveLength(1);
    await second.stop();
  });

  it('B4 abort and complete exclude each other', async () => {
    const aborted = await begin();
    await parts.send(aborted.grant, bytes);
    expect((await app.abort(aborted.grant)).status).toBe(200);
    expect(errorOf(await app.complete(aborted.grant))).toBe('upload_conflict');
    const completed = await begin();
    await parts.send(completed.grant, bytes);
    const { file } = completedOf(await app.complete(completed.grant));
    expect(errorOf(await app.abort(completed.grant))).toBe('upload_conflict');
    expect((await app.storage.head(file.key))?.size).toBe(bytes.length);
  });

  it('B4 one of an abort and a completion at once wins, and the other leaves nothing', async () => {
    for (let round = 0; round < 4; round += 1) {
      const upload = await begin();
      await parts.send(upload.grant, bytes);
      const [completed, aborted] = await Promise.all([app.complete(upload.grant), abortInAnotherApp(upload.grant)]);
      expect([
        [200, 409],
        [409, 200],
      ]).toContainEqual([completed.status, aborted.status]);
      await expectNothingStaged(upload.uploadId);
      const stored = (await app.storage.list({ prefix: `large/alice/${upload.uploadId}` })).objects.length;
      expect(stored).toBe(completed.status === 200 ? 1 : 0);
    }
    async function abortInAnotherApp(grant: string) {
      const second = await startApp(store);
      const answer = await second.abort(grant);
      await second.stop();
      return answer;
    }
  });

  it('F1 aborted parts are deleted from the storage', async () => {
    const upload = await begin();
    await parts.send(upload.grant, bytes, [1]);
    expect((await app.abort(upload.grant)).status).toBe(200);
    await expectNothingStaged(upload.uploadId);
  });

  it('E2 content that differs from the declared type is rejected and deleted', async () => {
    const script = Buffer.alloc(bytes.length, '<html><script>alert(1)</script></html>');
    const upload = await begin();
    await parts.send(upload.grant, script);
    for (const _ of [1, 2]) {
      const answer = await parts.complete(upload.grant);
      expect([answer.status, answer.json.error?.code]).toEqual([422, 'content_type_mismatch']);
    }
    await expectNothingStaged(upload.uploadId);
    expect((await app.storage.list({ prefix: `large/alice/${upload.uploadId}` })).objects).toEqual([]);
  });

  describe('with an inspect that rejects', () => {
    let strict: App;
    beforeAll(async () => {
      strict = await startApp(store, {
        routes: {
          large: route({
            limits: { maxBytes },
            authorize: () => ({ ownerId: 'alice' }),
            inspect: () => {
              throw new WaybillError('upload_rejected', 'No.');
            },
          }),
        },
      });
    });
    afterAll(() => strict.stop());

    it('E4 an upload that inspect rejects is deleted, also a stream', async () => {
      const own = partsOf(strict);
      for (const content of [bytes, null]) {
        const upload = await own.begin(content);
        await own.send(upload.grant, bytes);
        const answer = await own.complete({ grant: upload.grant, size: bytes.length });
        expect([answer.status, answer.json.error?.code]).toEqual([422, 'upload_rejected']);
        await expectNothingStaged(upload.uploadId);
      }
    });
  });

  it('C9 no answer contains credentials, and the sidecar is sealed', async () => {
    const upload = await begin();
    const { json } = await parts.sign(upload.grant, [parts.declare(bytes, 1)]);
    const listed = await parts.list(upload.grant);
    const sidecar = await app.storage.get(`incoming/.waybill/${upload.uploadId}.parts`);
    const text = await new Response(sidecar?.body ?? null).text();
    expect(text.length).toBeGreaterThan(100);
    for (const exposed of [JSON.stringify(json), JSON.stringify(listed.json), text, ...exposedTexts])
      for (const known of [store.credentials.secretAccessKey, secret]) expect(exposed).not.toContain(known);
    expect(Buffer.from(text, 'base64url').toString('latin1')).not.toContain('alice');
    // A reader of the bucket cannot use the sidecar as a grant.
    expect(errorOf(await app.complete(text))).toBe('grant_invalid');
    await app.abort(upload.grant);
  });

  it('C13 parts are signed for no longer than the server allows, regardless of what the client requests', async () => {
    for (const [options, ceiling] of [
      [{ expiresInSeconds: 60 }, 60],
      [{ expiresInSeconds: 60, maxExpiresInSeconds: 3600 }, 3600],
    ] as const) {
      const strict = await startApp(store, options);
      const upload = await partsOf(strict).begin(bytes, {}, 'large');
      for (const expiresInSeconds of [ceiling + 1, 86_400, 604_800]) {
        const { json } = await partsOf(strict).sign(upload.grant, [parts.declare(bytes, 1)], { expiresInSeconds });
        const { request, expiresInSeconds: granted } = json.parts?.[0] ?? {};
        expect(granted).toBeLessThanOrEqual(ceiling);
        expect(Number(/X-Amz-Expires=(\d+)/.exec(request?.url ?? '')?.[1])).toBe(ceiling);
        expect(Date.parse(request?.expiresAt ?? '')).toBeLessThanOrEqual(Date.now() + ceiling * 1000);
      }
      const renewed = await partsOf(strict).list(upload.grant);
      expect(renewed.json.expiresInSeconds).toBe(60);
      await strict.abort(upload.grant);
      await strict.stop();
    }
  });

  it('C9 a part request is valid as long as requested, but no longer than the credentials', async () => {
    const upload = await begin();
    const lenient = await startApp(store, { maxExpiresInSeconds: 604_800 });
    const week = await partsOf(lenient).sign(upload.grant, [parts.declare(bytes, 1)], { expiresInSeconds: 604_800 });
    expect(week.json.parts?.[0]?.expiresInSeconds).toBeGreaterThan(604_790);
    await lenient.stop();
    const expiration = new Date(Date.now() + 120_000);
    const brief = await startApp(store, {
      maxExpiresInSeconds: 604_800,
      storage: store.storage({ credentials: { ...store.credentials, expiration } }),
    });
    const short = await partsOf(brief).sign(upload.grant, [parts.declare(bytes, 1)], { expiresInSeconds: 604_800 });
    const [part] = short.json.parts ?? [];
    expect(part?.expiresInSeconds).toBeLessThanOrEqual(120);
    expect(Date.parse(part?.request?.expiresAt ?? '')).toBeLessThanOrEqual(expiration.getTime());
    await brief.stop();
    await app.abort(upload.grant);
  });
});

it('partBytes() plans the parts that these attacks change', () => {
  expect([1, 2, 3].map((n) => partBytes(bytes.length, partSize, n))).toEqual([partSize, 100, 0]);
});

function replaceCharacter(text: string, at: number, put: string): string {
  return text.slice(0, at) + put + text.slice(at + 1);
}
