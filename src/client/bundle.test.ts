/**
 * The compressed size of what a page loads. A ceiling changes only in the commit that needs it, with the reason. Chunks
 * that are imported later do not count in an entry, and have ceilings of their own.
 */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { languages } from '../messages/index.ts';

const root = new URL('../', import.meta.url);

/** The one upload and the dropzone of each framework, over the client and without the framework. */
function frameworkEntries(): Record<string, { code: string; ceiling: number }> {
  const ceilings = { vue: [6575, 8800], svelte: [6525, 8750], solid: [6575, 8750], angular: [6625, 8950] } as const;
  return Object.fromEntries(
    Object.entries(ceilings).flatMap(([name, [upload, dropzone]]) => {
      const prefix = name === 'angular' ? 'inject' : 'use';
      const entry = (what: string) =>
        `export { createClient } from './client/index.ts'; export { ${prefix}${what} } from './${name}/index.ts'`;
      return [
        [`client + ${name}`, { code: entry('Upload'), ceiling: upload }],
        [
          `client + ${name} + dropzone`,
          { code: `${entry('Uploads')}; ${entry('Dropzone').split('; ')[1]}`, ceiling: dropzone },
        ],
      ];
    }),
  );
}

/** Bytes after gzip -9, of a small but realistic use. */
const entries: Record<string, { code: string; ceiling: number }> = {
  'client/put': { code: `export { createPut } from './client/put.ts'`, ceiling: 2300 },
  // 50 bytes are for functions of less than 80 lines, and 75 for the check of unknown options.
  client: { code: `export { createClient } from './client/index.ts'`, ceiling: 5975 },
  'client + react': {
    code: `export { createClient } from './client/index.ts'; export { useUpload } from './react/index.ts'`,
    // The slot that `useUpload` shares with the other frameworks observes a list, which costs 200 bytes.
    ceiling: 6575,
  },
  'client + uppy': {
    code: `export { createClient } from './client/index.ts'; export { WaybillUploader } from './uppy/index.ts'`,
    ceiling: 7025,
  },
  'client + filepond': {
    code: `export { createClient } from './client/index.ts'; export { filePondServer } from './filepond/index.ts'`,
    ceiling: 6450,
  },
  'client + react + dropzone': {
    code: `export { createClient } from './client/index.ts'; export { useDropzone, useUploads } from './react/index.ts'`,
    ceiling: 8900,
  },
  ...frameworkEntries(),
  // Most pages only upload, so that these calls are not part of the client.
  'client/files': { code: `export { createFilesClient } from './client/files.ts'`, ceiling: 1600 },
  // The worker and the page's own way of doing its work load later, and only one of them.
  'client/prepare': {
    code: `export { prepareImage, withPrepare } from './client/prepare/index.ts'`,
    ceiling: 7400,
  },
  // The area for files, with the client. The list of files, its previews and other languages than English load later.
  element: { code: `import './elements/index.ts'`, ceiling: 14_000 },
  // It contains the table of formats, and only pages that import it load it.
  'client/check-content': { code: `export { checkContent } from './client/check-content.ts'`, ceiling: 17_000 },
};
const withoutLazyChunks: ReadonlySet<string> = new Set(['client/check-content', 'client/files']);
/** By the name of the imported module. A chunk that is not named here fails the test. */
const lazyCeilings: Readonly<Record<string, number>> = {
  fetch: 200,
  hash: 1300,
  single: 1250,
  // Loaded only for a file that will probably be refused. Writing sizes in MB and GB takes 270 bytes.
  checks: 2100,
  recovery: 3050,
  // 550 bytes of it send fewer parts at a time on a slow line, so that an interruption loses less. Its state is an
  // object with named fields, which costs 900 bytes and can be read.
  multipart: 6650,
  stream: 1250,
  resume: 700,
  // Loaded with the first files of a dropzone; the table of formats only for a file that will probably be refused.
  'check-files': 700,
  'content-types': 13_500,
  // What several chunks share.
  chunk: 1400,
  'resume-store': 1100,
  'worker-code': 2800,
  'run-job': 2700,
  // The list of the web component, and what it loads when it is needed.
  panel: 6000,
  thumbnails: 800,
  preview: 1150,
  'kept-list': 700,
  errors: 800,
  // Each catalogue of messages.
  ...Object.fromEntries(languages.map((language) => [language, 2300])),
};

/** Text of signing code, of Node's modules and of the server's dependencies. */
/** Text of client/prepare, which a page without it must not load. */
const preparation = ['OffscreenCanvas', 'createImageBitmap', 'prepareImage', 'heic'];

const mustNotAppear = ['AWS4-HMAC', 'node:', 'valibot', 'createHmac', 'fast-xml', 'aes-256', 'secretAccessKey'];

interface Chunk {
  name: string;
  text: string;
  bytes: number;
}

async function bundle(code: string): Promise<{ main: Chunk; lazy: Chunk[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: fileURLToPath(root), loader: 'ts' },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['@waybill/source'],
    external: ['react', 'vue', 'svelte', 'solid-js', '@angular/core', '@uppy/core'],
    legalComments: 'none',
    metafile: true,
    write: false,
    outdir: '/out',
  });
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [path.replace(/.*\//, ''), output]));
  const chunks = outputFiles.map((file) => {
    const name = file.path.replace(/.*[/\\]/, '');
    return { name, text: file.text, bytes: gzipSync(file.contents, { level: 9 }).length };
  });
  // The static imports of an entry belong to it: the page waits for them.
  const wanted = new Set<string>();
  const follow = (name: string) => {
    if (wanted.has(name)) return;
    wanted.add(name);
    for (const imported of outputs.get(name)?.imports ?? [])
      if (imported.kind === 'import-statement' && !imported.external) follow(imported.path.replace(/.*\//, ''));
  };
  follow('stdin.js');
  const text = chunks
    .filter(({ name }) => wanted.has(name))
    .map((chunk) => chunk.text)
    .join('');
  return {
    main: { name: 'main', text, bytes: gzipSync(text, { level: 9 }).length },
    lazy: chunks.filter(({ name }) => !wanted.has(name)),
  };
}

describe.each(Object.entries(entries))('%s', (name, { code, ceiling }) => {
  let main: Chunk;
  let lazy: Chunk[];

  beforeAll(async () => {
    ({ main, lazy } = await bundle(code));
    const chunks = lazy.map((chunk) => `${chunk.name.replace(/-[^-]*$/, '')} ${chunk.bytes}`).join(', ');
    console.info(`${name}: ${main.bytes} of ${ceiling} bytes (lazy: ${chunks})`);
  });

  it('stays under its ceiling', () => {
    expect(main.text.length).toBeGreaterThan(1000);
    expect(main.bytes).toBeLessThanOrEqual(ceiling);
    expect(lazy.length > 0).toBe(!withoutLazyChunks.has(name));
    for (const { name, bytes } of lazy)
      expect(bytes, name).toBeLessThanOrEqual(lazyCeilings[name.replace(/-[^-]*$/, '')] ?? 0);
  });

  it('contains code of client/prepare only where it is imported', () => {
    // The table of formats, which is part of check-content, names HEIC as well.
    const code = [main, ...lazy].filter((chunk) => !chunk.name.startsWith('content-types'));
    const text = code.map((chunk) => chunk.text).join('');
    const found = preparation.filter((word) => text.includes(word));
    if (name === 'client/prepare') expect(found).toEqual(preparation);
    // The thumbnails of the web component, which load with its list, decode pictures by themselves.
    else if (name === 'element') expect(found).toEqual(['createImageBitmap']);
    else if (name !== 'client/check-content') expect(found).toEqual([]);
  });

  it('contains no code of the server', () => {
    const text = [main, ...lazy].map((chunk) => chunk.text).join('');
    expect(text).toContain('WaybillError');
    for (const word of mustNotAppear) expect(text).not.toContain(word);
  });
});

it('the check finds code of the server in a page', async () => {
  const { main } = await bundle(
    `export { createClient } from './client/index.ts'; export const a = 'AWS4-HMAC-SHA256'`,
  );
  expect(mustNotAppear.filter((word) => main.text.includes(word))).toEqual(['AWS4-HMAC']);
});
