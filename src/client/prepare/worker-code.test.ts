import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { renderWorkerCode, workerCodePath } from '../../../scripts/lib/worker-code.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));

it('worker-code.ts is what `npm run docs` makes of worker/entry.ts', async () => {
  expect(readFileSync(root + workerCodePath, 'utf8')).toBe(await renderWorkerCode(root));
});
