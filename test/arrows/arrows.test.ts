/** Every source file follows the import rules, and the check finds violations. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { importRules, importsOf, violationsOf } from './arrows.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

async function sources(folder: string): Promise<string[]> {
  const files = await readdir(join(root, folder), { recursive: true });
  return files
    .filter((file) => /\.tsx?$/.test(file) && !/\.test\.tsx?$/.test(file))
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`);
}

it('every source file follows the import rules', async () => {
  const files = [...(await sources('src')), ...(await sources('web/src'))];
  const imports: string[] = [];
  const violations: string[] = [];
  for (const file of files) {
    const source = await readFile(join(root, file), 'utf8');
    imports.push(...importsOf(file, source));
    violations.push(...violationsOf(file, source));
  }
  expect(violations).toEqual([]);
  // The check examined every module, and more imports than files.
  expect(new Set(files.filter((file) => file.startsWith('src/')).map((file) => file.split('/')[1]))).toEqual(
    new Set(Object.keys(importRules)),
  );
  expect(imports.length).toBeGreaterThan(files.length);
  // The rules allow no package that is not imported.
  const allowed = new Set(Object.values(importRules).flatMap(({ packages }) => packages));
  expect([...allowed].filter((name) => !imports.some((specifier) => specifier.startsWith(name)))).toEqual([]);
});

it.each([
  ['src/protocol/wire.ts', `import { readFileSync } from 'node:fs';`],
  ['src/protocol/wire.ts', `import * as v from 'valibot';`],
  ['src/protocol/wire.ts', `import type { Storage } from '../s3/index.ts';`],
  ['src/client/engine.ts', `import type { Storage } from '../s3/types.ts';`],
  ['src/client/engine.ts', `export { createUploads } from '../server/index.ts';`],
  ['src/client/browser/xhr.ts', `const { hash } = await import('node:crypto');`],
  ['src/client/browser/xhr.ts', `const load = (name: string) => import(name);`],
  ['src/client/browser/xhr.ts', `const load = (name: string) => import(\`../../\${name}.ts\`);`],
  ['src/client/index.ts', `type Route = import('../server/types.ts').Route;`],
  ['src/client/index.ts', `import 'preact';`],
  ['src/react/index.ts', `import { useState } from 'react-dom';`],
  ['src/react/index.ts', `import { s3Storage } from '../s3/index.ts';`],
  ['src/s3/sign.ts', `import { route } from '../server/index.ts';`],
  ['src/server/services.ts', `import { createDevstore } from '../devstore/index.ts';`],
  ['src/devstore/get.ts', `export * from '../server/index.ts';`],
  ['src/adapters/node.ts', `import { Hono } from 'hono';`],
  ['src/server/x.ts', `import { root } from '../../test/support/stores.ts';`],
  ['src/utils/x.ts', `import './y.ts';`],
  ['web/src/main.ts', `import type { Route } from '../../src/server/index.ts';`],
  ['web/src/main.ts', `import { createClient } from '../../src/client/index.ts';`],
  ['web/src/main.ts', `import { createUploads } from 'waybill/server';`],
  ['web/src/main.ts', `import 'react';`],
])('violationsOf() refuses %s: %s', (file, source) => {
  expect(violationsOf(file, source)).toHaveLength(1);
});

it.each([
  ['src/protocol/wire.ts', `import type { WireError } from './errors.ts';`],
  ['src/client/node/index.ts', `import { open } from 'node:fs/promises';`],
  ['src/client/checksum.ts', `const { md5 } = await import('./hash/index.ts');`],
  ['src/s3/xml.ts', `const { XMLParser } = await import('fast-xml-parser');`],
  ['src/react/index.ts', `import { jsx } from 'react/jsx-runtime'; import type { Client } from '../client/types.ts';`],
  ['web/src/main.ts', `import { createClient } from 'waybill/client'; import './style.css';`],
])('violationsOf() allows %s: %s', (file, source) => {
  expect(violationsOf(file, source)).toEqual([]);
});
