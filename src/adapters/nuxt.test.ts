import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { waybillNuxtModule } from './nuxt.ts';

let serverDir = '';

beforeAll(async () => {
  serverDir = await mkdtemp(join(tmpdir(), 'waybill-nuxt-'));
  await writeFile(join(serverDir, 'uploads.ts'), '');
  await writeFile(join(serverDir, 'others.mjs'), '');
});

afterAll(() => rm(serverDir, { recursive: true }));

const createNuxt = () => ({
  options: {
    serverDir,
    serverHandlers: [{ handler: 'of-the-app' }] as { middleware?: boolean; handler: string }[],
    nitro: { virtual: { '#app': 'code of the app' } } as { virtual: Record<string, string> },
  },
});

it.each([
  [{}, 'uploads.ts'],
  [{ uploads: 'others' }, 'others.mjs'],
  [{ uploads: './others.mjs' }, 'others.mjs'],
])('waybillNuxtModule(%j) adds a server middleware that imports %s', (options, file) => {
  const nuxt = createNuxt();
  waybillNuxtModule(options, nuxt);
  const [first, added] = nuxt.options.serverHandlers;
  expect(first).toEqual({ handler: 'of-the-app' });
  expect(added?.middleware).toBe(true);
  expect(nuxt.options.nitro.virtual['#app']).toBe('code of the app');
  expect(nuxt.options.nitro.virtual[added?.handler ?? '']).toContain(JSON.stringify(join(serverDir, file)));
});

it('waybillNuxtModule() refuses a file that does not exist, and changes nothing', () => {
  const nuxt = createNuxt();
  expect(() => waybillNuxtModule({ uploads: 'missing' }, nuxt)).toThrow(
    expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('missing.ts') }),
  );
  expect(nuxt).toEqual(createNuxt());
});

it('waybillNuxtModule() refuses an unknown option', () => {
  const options = { upload: 'uploads' } as object;
  expect(() => waybillNuxtModule(options, createNuxt())).toThrow(expect.objectContaining({ code: 'config_invalid' }));
});
