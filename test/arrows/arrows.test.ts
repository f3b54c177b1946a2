/** Every source file follows the import rules, and the check finds violations. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { circlesOf, importRules, importsOf, serverFolders, violationsOf } from './arrows.ts';

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

it('every folder of src/server has import rules', async () => {
  const folders = await readdir(join(root, 'src/server'), { withFileTypes: true });
  const names = folders.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(names.sort()).toEqual(Object.keys(serverFolders).sort());
});

it('no imports of src go in a circle, unless a file of the circle says why', async () => {
  const files = await sources('src');
  const contents = new Map<string, string>();
  for (const file of files) contents.set(file, await readFile(join(root, file), 'utf8'));
  const isExplained = (circle: string[]) => circle.some((file) => contents.get(file)?.includes('Import circle:'));
  expect(circlesOf(contents).filter((circle) => !isExplained(circle))).toEqual([]);
});

it('circlesOf() finds circles of values, of types and of import(), and nothing else', () => {
  const sources = new Map([
    ['src/a.ts', `import { b } from './b.ts';`],
    ['src/b.ts', `export type C = typeof import('./folder/c.ts'); import './d.ts';`],
    ['src/folder/c.ts', `export const load = () => import('../a.ts');`],
    ['src/d.ts', `import './e.ts';`],
    ['src/e.ts', `export const e = 1;`],
  ]);
  expect(circlesOf(sources)).toEqual([['src/a.ts', 'src/b.ts', 'src/folder/c.ts']]);
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
  ['src/client/index.ts', `type Route = import('../server/route-definition.ts').Route;`],
  ['src/client/index.ts', `import 'preact';`],
  ['src/react/index.ts', `import { useState } from 'react-dom';`],
  ['src/react/index.ts', `import { s3Storage } from '../s3/index.ts';`],
  ['src/s3/sign.ts', `import { route } from '../server/index.ts';`],
  ['src/server/services.ts', `import { createDevstore } from '../devstore/index.ts';`],
  ['src/server/grants/keys.ts', `import type { Call } from '../http/call.ts';`],
  ['src/server/completion/complete.ts', `import { grantUploads } from '../grants/grant-uploads.ts';`],
  ['src/server/state/ledger-states.ts', `import type { Services } from '../services.ts';`],
  ['src/server/state/ledger-states.ts', `import type { Lease } from '../completion/lease.ts';`],
  ['src/server/utils/x.ts', `import type { Config } from '../config.ts';`],
  ['src/devstore/get.ts', `export * from '../server/index.ts';`],
  ['src/devstore/get.ts', `import { verifyRequest } from '../s3/verify.ts';`],
  ['src/server/services.ts', `import type { Storage } from '../s3/types.ts';`],
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
  ['src/server/sweep/index.ts', `import { withLease } from '../completion/lease.ts';`],
  ['src/server/http/handler.ts', `import type { Services } from '../services.ts';`],
  ['src/server/state/ledger-states.ts', `import type { Config } from '../config.ts';`],
  ['src/client/checksum.ts', `const { md5 } = await import('./hash/index.ts');`],
  ['src/s3/xml.ts', `const { XMLParser } = await import('fast-xml-parser');`],
  ['src/react/index.ts', `import { jsx } from 'react/jsx-runtime'; import type { Client } from '../client/index.ts';`],
  ['src/devstore/get.ts', `import { verifyRequest } from '../s3/internal.ts';`],
  ['src/cli/up/send.ts', `import { createClient } from '../../client/node/index.ts';`],
  ['web/src/main.ts', `import { createClient } from 'waybill/client'; import './style.css';`],
])('violationsOf() allows %s: %s', (file, source) => {
  expect(violationsOf(file, source)).toEqual([]);
});
