/** A Nuxt module, which adds the handler to the server of a Nuxt app. It runs when Nuxt builds the app. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { WaybillError } from '../protocol/index.ts';

export interface NuxtModuleOptions {
  /**
   * The file that exports `uploads`, the result of `createUploads()`, relative to Nuxt's folder `server`. The extension
   * can be left out.
   *
   * @default 'uploads'
   * @example '../lib/uploads.ts'
   */
  uploads?: string;
}

/** The part of Nuxt that is used here, without its types. */
interface Nuxt {
  options: {
    /** Absolute. */
    serverDir: string;
    serverHandlers: { middleware?: boolean; handler: string }[];
    nitro: { virtual?: Record<string, string | (() => string)> };
  };
}

const handlerName = '#waybill/handler.mjs';
const extensions = ['', '.ts', '.mts', '.js', '.mjs'];

/**
 * The Nuxt module. It adds a server middleware that answers Waybill's paths, after the middleware of the app. In
 * callbacks, `request.raw` is the event of h3: see `h3Event` of `waybill/adapters/h3`.
 *
 * @throws {WaybillError} `config_invalid` when an option is unknown, or the file does not exist
 * @example
 * // nuxt.config.ts, where server/uploads.ts exports `uploads`
 * export default defineNuxtConfig({ modules: ['waybill/adapters/nuxt'] });
 * @example
 * export default defineNuxtConfig({ modules: [['waybill/adapters/nuxt', { uploads: '../lib/uploads.ts' }]] });
 */
export function waybillNuxtModule(options: NuxtModuleOptions, nuxt: Nuxt): void {
  const file = findUploadsFile(options, nuxt.options.serverDir);
  nuxt.options.nitro.virtual = {
    ...nuxt.options.nitro.virtual,
    [handlerName]: [
      `import { defineEventHandler } from 'h3';`,
      `import { toH3Handler } from 'waybill/adapters/h3';`,
      `import { uploads } from ${JSON.stringify(file)};`,
      `export default defineEventHandler(toH3Handler(uploads));`,
    ].join('\n'),
  };
  nuxt.options.serverHandlers.push({ middleware: true, handler: handlerName });
}

function findUploadsFile({ uploads = 'uploads', ...others }: NuxtModuleOptions, serverDir: string): string {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new WaybillError('config_invalid', `The Nuxt module has no option \`${unknown}\`: it has \`uploads\`.`);
  const path = resolve(serverDir, uploads);
  const found = extensions.map((extension) => path + extension).find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new WaybillError(
    'config_invalid',
    `The Nuxt module found no file ${path}.ts. Export \`uploads\` there, or set the option \`uploads\`.`,
  );
}

// biome-ignore lint/style/noDefaultExport: Nuxt loads a module by its default export.
export default waybillNuxtModule;
