/** F6: every reader of external text takes time in proportion to its length. Attack ids: docs/threat-model.md. */
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { readXml } from '../../src/devstore/xml-read.ts';
import { redact } from '../../src/s3/index.ts';
import { isComplete, parseFlat, rootName } from '../../src/s3/internal.ts';
import { wireSchemas } from '../../src/server/http/wire-schema.ts';
import { type CallbackRequest, route, type StandardSchema } from '../../src/server/index.ts';
import { hardTexts, measureMilliseconds, regexLiterals, regexLiteralsIn } from '../support/regex-literals.ts';
import { createTestApp, png } from '../support/server-app.ts';
import { stopwatch } from '../support/stopwatch.ts';
import { unreachableStorage } from '../support/unreachable-storage.ts';

/** Limit for one text, in milliseconds of the event loop. Quadratic time is seconds at these lengths. */
const budgetMs = 50;
/** In characters. The first are short enough for exponential patterns, the last is longer than any header or field. */
const lengths = [25, 100, 1000, 16_000];
/** The fastest of several runs counts, because other processes share the machine. */
const runs = 8;

function fastest(work: () => number): number {
  let best = Number.POSITIVE_INFINITY;
  // A run of more than a second is slow in any case.
  for (let run = 0; run < runs && best > budgetMs / 4 && !(run > 0 && best > 1000); run += 1)
    best = Math.min(best, work());
  return best;
}

function measureFastest(work: () => unknown): number {
  return fastest(() => {
    const elapsed = stopwatch();
    try {
      work();
    } catch {
      // Readers may refuse a hostile text.
    }
    return elapsed();
  });
}

/** Returns the shortened text on which the pattern takes longer than `budgetMs`, or null. */
function findSlowText(regex: RegExp, upTo: readonly number[] = lengths): string | null {
  for (const length of upTo)
    for (const text of hardTexts(regex, length))
      if (fastest(() => measureMilliseconds(regex, text)) > budgetMs) return `${text.slice(0, 40)}... (${text.length})`;
  return null;
}

const root = fileURLToPath(new URL('../../src', import.meta.url));

/** Patterns that never see external text, with the reason. */
const exempt: Readonly<Record<string, string>> = {
  'client/answers.ts /\\/+$/': "the endpoint that the page's code passes",
  'client/source.ts /[^\\s;/]+\\/[^\\s;/]+/':
    "the type of a file that the page's own user chose, in that user's browser",
};
/** Patterns that are built at run time, with the texts they see. */
const builtAtRunTime: Readonly<Record<string, string>> = {
  'devstore/form-stream.ts': "one header of a form's part, at most 8,192 bytes; the name is a constant",
  'protocol/content/text.ts': "a file's first bytes; anchored alternatives of constant tags without repetition",
};

describe('F6 regular expressions', () => {
  const literals = regexLiterals(root);
  const name = ({ file, source }: { file: string; source: string }) => `${file} ${source}`;

  it('F6 every regular expression of the sources is linear', () => {
    expect(literals.length).toBeGreaterThan(200);
    const slow = literals.flatMap((literal) => {
      if (!literal.regex || Object.hasOwn(exempt, name(literal))) return [];
      const text = findSlowText(literal.regex);
      return text === null ? [] : [`${literal.file}:${literal.line} ${literal.source} on ${text}`];
    });
    expect(slow).toEqual([]);
  });

  it('F6 every exempt pattern is still in the sources, and every pattern built at run time is listed', () => {
    const names = new Set(literals.map(name));
    expect(Object.keys(exempt).filter((key) => !names.has(key))).toEqual([]);
    const atRunTime = literals.filter(({ regex }) => !regex).map(({ file }) => file);
    expect([...new Set(atRunTime)].sort()).toEqual(Object.keys(builtAtRunTime).sort());
  });

  it.each([
    ['a URL without a query', '/(\\bhttps?:\\/\\/[^\\s?#"\'<>]*)\\?[^\\s"\'<>]*/gi'],
    ['overlapping groups', '/<(\\/?)([^\\s/><!?]+)([^<>]*?)(\\/?)>/y'],
    ['spaces before an end', '/\\s+$/'],
    ['two repetitions of the same class', '/^\\s*a\\s*\\d*\\s*b/'],
    ['nested repetition', '/^(a+)+$/'],
  ])('F6 findSlowText() detects %s', (_, source) => {
    const [literal] = regexLiteralsIn(`export const pattern = ${source};`, 'x.ts');
    // Longer, so that a quadratic pattern is over the budget on a fast machine too.
    expect(findSlowText(literal?.regex as RegExp, [...lengths, 60_000])).not.toBeNull();
  });
});

describe('F6 readers of texts', () => {
  const texts = [
    'http://',
    'http:// ',
    'https://a@',
    'x-amz-signature   ',
    'cookie\n',
    `${'a'.repeat(63)} `,
    '<a',
    '<a ',
    '<a b="c" ',
    "<a b='",
    '<a>',
    '<a/>',
    '</a>',
    '<?',
    '<!--',
    '<!-',
    '<![CDATA[',
    ']]>',
    '&amp;',
    '&',
    '&#x',
    ' ',
    '\n',
    'a',
    '"',
  ];
  const hostile = texts.flatMap((text) => {
    const many = text.repeat(Math.ceil(256_000 / text.length));
    return [many, `<a>${many}`, `<a>${many}</a>`, `<a ${many}`, `<${many}<>`];
  });
  const readers: Readonly<Record<string, (text: string) => unknown>> = {
    redact,
    readXml,
    parseFlat,
    rootName,
    isComplete: (text) => isComplete(text, 'a'),
  };

  it.each(Object.keys(readers))('F6 %s reads 256 kB of hostile text within the time limit', (name) => {
    const read = readers[name] as (text: string) => unknown;
    // Stop at the first slow text, because each may take seconds.
    const slow = hostile.find((text) => measureFastest(() => read(text)) > budgetMs);
    expect(slow?.slice(0, 30)).toBeUndefined();
  });
});

describe('F6 the wire', () => {
  const storage = unreachableStorage();
  const anything: StandardSchema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
  const authorize = ({ request }: { request: CallbackRequest }) =>
    request.header('x-user') ? { ownerId: 'anna' } : null;
  const limits = { maxBytes: 1e6 };
  const app = createTestApp(
    storage,
    {
      plain: route({ limits, authorize }),
      quoting: route({
        limits,
        metadata: anything,
        authorize,
        key: ({ metadata }) => {
          throw new Error(`There is no album ${String((metadata as { album: unknown }).album)}`);
        },
      }),
    },
    { onEvent: () => {} },
  );
  const { maxBodyBytes } = app.uploads.config;

  /** Repeats `item` until the body has `maxBodyBytes`. */
  function fillBody(before: string, item: string, after: string): string {
    const remaining = maxBodyBytes - before.length - after.length;
    return `${before}${`${item},`.repeat(Math.floor(remaining / (item.length + 1))).slice(0, -1)}${after}`;
  }

  const file = JSON.stringify(app.declare(png));
  const quoting = (text: string) => {
    const before = `{"route":"quoting","files":[${file}],"metadata":{"album":"`;
    return `${before}${text.repeat(Math.floor(60_000 / text.length))}"}}`;
  };
  const bodies: [name: string, path: string, body: string][] = [
    ['wrong transfers', '/uploads', fillBody(`{"route":"plain","files":[${file}],"transfers":[`, '0', ']}')],
    ['wrong files', '/uploads', fillBody('{"route":"plain","files":[', '0', ']}')],
    ['a thousand wrong files', '/uploads', `{"route":"plain","files":[${Array(1000).fill('{}').join(',')}]}`],
    ['an unknown field', '/uploads', fillBody(`{"route":"plain","files":[${file}],"x":[`, '0', ']}')],
    ['arrays in arrays', '/uploads', '['.repeat(maxBodyBytes / 2) + ']'.repeat(maxBodyBytes / 2)],
    ['many names', '/uploads', `{${Array.from({ length: 20_000 }, (_, at) => `"${at}":0`).join(',')}}`],
    ['wrong grants', '/uploads/complete', fillBody('{"grants":[', '0', ']}')],
    ['a hundred wrong grants', '/uploads/complete', `{"grants":[${Array(100).fill('{}').join(',')}]}`],
    [
      'long grants',
      '/uploads/complete',
      `{"grants":[${Array(100)
        .fill(`"${'A'.repeat(2500)}"`)
        .join(',')}]}`,
    ],
    ['one long grant', '/uploads/abort', `{"grants":["${'A'.repeat(maxBodyBytes - 30)}"]}`],
    ['wrong parts', '/uploads/parts', fillBody('{"grant":"x","parts":[', '0', ']}')],
    ['a long route', '/uploads', `{"route":"${'a'.repeat(maxBodyBytes - 200)}","files":[${file}]}`],
    ['an error that quotes URLs', '/uploads', quoting('http://')],
    ['an error that quotes spaces', '/uploads', quoting('cookie   ')],
    ['an error that quotes words', '/uploads', quoting('a-b_c ')],
    ['empty event records', '/events', fillBody('{"Records":[', '{}', ']}')],
  ];

  it.each(bodies)('F6 the largest body with %s takes less than the time limit', async (_, path, body) => {
    expect(body.length).toBeLessThanOrEqual(maxBodyBytes);
    let best = Number.POSITIVE_INFINITY;
    for (let run = 0; run < 10 && best > budgetMs / 4; run += 1) {
      const elapsed = stopwatch();
      const { status } = await app.call('POST', path, body, { 'x-user': 'anna' });
      best = Math.min(best, elapsed());
      expect([200, 400, 403, 404, 422, 500]).toContain(status);
    }
    expect(best).toBeLessThan(budgetMs);
  });

  it('F3 a parsed body over maxBodyBytes is refused regardless of its declared length', async () => {
    const json = { route: 'plain', files: [app.declare(png)], x: 'y'.repeat(5_000_000) };
    const answer = await app.uploads.handle({
      method: 'POST',
      path: '/uploads',
      query: '',
      header: (name) => ({ 'content-type': 'application/json', 'x-user': 'anna' })[name],
      headers: () => [],
      json,
      body: () => expect.unreachable(),
      raw: null,
    });
    expect(answer.status).toBe(413);
  });

  it('F6 an answer does not grow with the request', async () => {
    for (const [, path, body] of bodies) {
      const answer = await app.call('POST', path, body, { 'x-user': 'anna' });
      expect(answer.body.length).toBeLessThan(32_000);
    }
  });

  it('F6 every array in the wire schemas has a maximum length', () => {
    const unbounded: string[] = [];
    let arrays = 0;
    const walk = (schema: unknown, path: string, bounded: boolean): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const { type, pipe, item, entries, wrapped, options } = schema as Record<string, unknown>;
      if (Array.isArray(pipe)) {
        const first = pipe[0] as v.GenericSchema;
        // A schema without a maximum accepts ten million items.
        const capped = first.type === 'custom' && !v.safeParse(first, new Array(10_000_000)).success;
        for (const part of pipe) walk(part === schema ? { ...(part as object), pipe: undefined } : part, path, capped);
        return;
      }
      if (type === 'array') {
        arrays += 1;
        if (!bounded) unbounded.push(path);
        walk(item, `${path}[]`, false);
      }
      if (typeof entries === 'object' && entries !== null)
        for (const [name, entry] of Object.entries(entries)) walk(entry, `${path}.${name}`, false);
      walk(wrapped, path, false);
      if (Array.isArray(options)) for (const option of options) walk(option, path, false);
    };
    for (const [name, schema] of Object.entries(wireSchemas)) walk(schema, name, false);
    expect(arrays).toBeGreaterThanOrEqual(5);
    expect(unbounded).toEqual([]);
  });
});
