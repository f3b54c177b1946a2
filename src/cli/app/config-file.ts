/** Reads routes and options from a module (`export const routes = {...}`) or from JSON. */
import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isWaybillError } from '../../protocol/index.ts';
import { CliError, describeFileError } from '../cli-error.ts';
import type { AppConfig } from './app-config.ts';
import { parseJsonRoutes } from './json-routes.ts';
import type { Variables } from './variables.ts';

const environmentOptions = ['storage', 'secret', 'viewSecret', 'ledger', 'routes'] as const;
const moduleExtensions: ReadonlySet<string> = new Set(['.js', '.mjs', '.ts', '.mts']);

/** @throws CliError with the reason why the file cannot be used */
export async function readConfig(path: string, cwd: string, variables: Variables): Promise<AppConfig> {
  const full = resolve(cwd, path);
  const extension = extname(full);
  if (extension === '.json') return readJson(full, path, variables);
  if (!moduleExtensions.has(extension))
    throw new CliError(`${path} is not a configuration. Use a .js, .ts or .json file.`);
  const loaded = await load(full, path);
  const { routes, options = {} } = loaded;
  if (typeof routes !== 'object' || routes === null)
    throw new CliError(`${path} exports no routes.`, {
      hint: 'Export them: export const routes = { files: route({ ... }) }',
    });
  if (typeof options !== 'object' || options === null)
    throw new CliError(`${path} exports \`options\` that are not an object.`);
  const misplaced = environmentOptions.find((name) => Object.hasOwn(options, name));
  if (misplaced)
    throw new CliError(`${path} exports \`options.${misplaced}\`. Set it in the environment, or in \`routes\`.`);
  return { routes: routes as AppConfig['routes'], options };
}

async function load(full: string, path: string): Promise<{ routes?: unknown; options?: object | null }> {
  try {
    return (await import(pathToFileURL(full).href)) as { routes?: unknown };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_UNKNOWN_FILE_EXTENSION')
      throw new CliError(`Node ${process.versions.node} cannot run TypeScript such as ${path}.`, {
        hint: 'Use Node 22.18 or newer, or compile the file: npx tsc uploads.ts',
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
    throw new CliError(`${path} cannot be read: ${describeFileError(error) ?? 'it is not a file'}.`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CliError(`${path} is not JSON: ${(error as Error).message}.`);
  }
  try {
    return parseJsonRoutes(json, path, variables);
  } catch (error) {
    if (isWaybillError(error)) throw new CliError(`${path} cannot be used: ${error.message}`);
    throw error;
  }
}
