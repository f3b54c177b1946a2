/** Finds the folder of the built page: dist/web, also when the CLI runs from the sources. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export function findPageDir(): string {
  const beside = fileURLToPath(new URL('../web', import.meta.url));
  return existsSync(`${beside}/index.html`) ? beside : fileURLToPath(new URL('../../dist/web', import.meta.url));
}
