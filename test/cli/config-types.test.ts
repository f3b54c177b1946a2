/** Which files `waybill serve` accepts as a configuration depends on the version of Node, so CI runs this on each. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BuiltCli, buildCli } from './built-cli.ts';
import { createServing, type Serving } from './serving.ts';

let cli: BuiltCli;
let serving: Serving;
beforeAll(async () => {
  cli = await buildCli();
  serving = await createServing(cli);
});
afterAll(async () => {
  await serving.close();
  await cli.remove();
});

const started = (config: string) => serving.finish(['serve', '--config', config, '--port', '0', '--ops-port', '0']);

it('waybill serve runs TypeScript if Node can, and otherwise says what to do', async () => {
  await writeFile(
    join(serving.dir, 'typed.ts'),
    'const limits: { maxBytes: number } = { maxBytes: 1 };\nexport const routes: unknown = limits && {};\n',
  );
  const { code, err } = await started('typed.ts');
  expect(code).toBe(2);
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) expect(err).toMatch(/`routes` is empty/);
  else expect(err).toMatch(/cannot run TypeScript.*\n.*Node 22\.18 or newer, or compile the file/);
});
