/** Routes from a module (`export const routes = {...}`) or from JSON, with what else `createUploads` takes. */
import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isWaybillError } from '../../protocol/index.ts';
import { CliError, fileProblem } from '../cli-error.ts';
import type { AppConfig } from './app-config.ts';
import { routesOfJson } from './json-routes.ts';
import type { Variables } from './variables.ts';

const fromEnvironment = ['storage', 'secret', 'viewSecret', 'ledger', 'routes'] as const;
const modules: ReadonlySet<string> = new Set(['.js', '.mjs', '.ts', '.mts']);

/** @throws CliError for whatever cannot be used, with the reason */
export async function readConfig(path: string, cwd: string, variables: Variables): Promise<AppConfig> {
  const full = resolve(cwd, path);
  const extension = extname(full);
  if (extension === '.json') return readJson(full, path, variables);
  if (!modules.has(extension)) throw new CliError(`${path} is no configuration: a .js, .ts or .json file is one.`);
  const loaded = await load(full, path);
  const { routes, options = {} } = loaded;
  if (typeof routes !== 'object' || routes === null)
    throw new CliError(`${path} has no routes.`, {
      hint: 'It exports them: export const routes = { files: route({ ... }) }',
    });
  if (typeof options !== 'object' || options === null)
    throw new CliError(`${path} exports \`options\` that are no object.`);
  const twice = fromEnvironment.find((name) => Object.hasOwn(options, name));
  if (twice)
    throw new CliError(`${path} has \`options.${twice}\`, which comes from the environment or from \`routes\`.`);
  return { routes: routes as AppConfig['routes'], options };
}

async function load(full: string, path: string): Promise<{ routes?: unknown; options?: object | null }> {
  try {
    return (await import(pathToFileURL(full).href)) as { routes?: unknown };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_UNKNOWN_FILE_EXTENSION')
      throw new CliError(`Node ${process.versions.node} does not read TypeScript, and ${path} is written in it.`, {
        hint: 'Use Node 22.18 or newer, or compile it: npx tsc uploads.ts',
      });
    if (code === 'ERR_MODULE_NOT_FOUND' && message.includes(full))
      throw new CliError(`${path} cannot be read: it does not exist.`);
    const reason = isWaybillError(error) || error instanceof Error ? error.message : String(error);
    throw new CliError(`${path} cannot be used: ${reason}`);
  }
}

async function readJson(full: string, path: string, variables: Variables): Promise<AppConfig> {
  let text: string;
  try {
    text = await readFile(full, 'utf8');
  } catch (error) {
    throw new CliError(`${path} cannot be read: ${fileProblem(error) ?? 'it is no file'}.`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CliError(`${path} is no JSON: ${(error as Error).message}.`);
  }
  try {
    return routesOfJson(json, path, variables);
  } catch (error) {
    if (isWaybillError(error)) throw new CliError(`${path} cannot be used: ${error.message}`);
    throw error;
  }
}
