/** Bundles the pages with the compilers of their frameworks, in development mode, for browsers or for a server. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { transformAsync } from '@babel/core';
import solid from 'babel-preset-solid';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { compile } from 'svelte/compiler';
import { compileScript, parse } from 'vue/compiler-sfc';

type Platform = 'browser' | 'node';

function vuePlugin(ssr: boolean): Plugin {
  return {
    name: 'vue',
    setup({ onLoad }) {
      onLoad({ filter: /\.vue$/ }, async ({ path }) => {
        const { descriptor } = parse(await readFile(path, 'utf8'), { filename: path });
        const id = basename(path);
        const { content } = compileScript(descriptor, { id, inlineTemplate: true, templateOptions: { ssr, id } });
        return { contents: content, loader: 'ts' };
      });
    },
  };
}

function sveltePlugin(ssr: boolean): Plugin {
  return {
    name: 'svelte',
    setup({ onLoad }) {
      onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
        const generate = ssr ? 'server' : 'client';
        const { js, warnings } = compile(await readFile(path, 'utf8'), { filename: path, generate, dev: true });
        return { contents: js.code, warnings: warnings.map(({ message }) => ({ text: message })) };
      });
    },
  };
}

/** For files that name Solid in their `@jsxImportSource`, and for files in a folder `solid`. */
function solidPlugin(ssr: boolean): Plugin {
  return {
    name: 'solid',
    setup({ onLoad }) {
      onLoad({ filter: /solid[^/\\]*\.tsx$/ }, async ({ path }) => {
        const result = await transformAsync(await readFile(path, 'utf8'), {
          filename: path,
          babelrc: false,
          configFile: false,
          presets: [[solid, { generate: ssr ? 'ssr' : 'dom' }]],
          parserOpts: { plugins: ['typescript', 'jsx'] },
        });
        return { contents: result?.code ?? '', loader: 'ts' };
      });
    },
  };
}

/** @param options entry points, and where to write */
export function bundleFrameworks(platform: Platform, options: BuildOptions) {
  const ssr = platform === 'node';
  return build({
    bundle: true,
    format: 'esm',
    platform,
    splitting: true,
    jsx: 'automatic',
    conditions: ['@waybill/source', 'development', ...(ssr ? ['node'] : ['browser'])],
    define: {
      'process.env.NODE_ENV': '"development"',
      __VUE_OPTIONS_API__: 'true',
      __VUE_PROD_DEVTOOLS__: 'false',
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    },
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields: false } },
    plugins: [vuePlugin(ssr), sveltePlugin(ssr), solidPlugin(ssr)],
    logLevel: 'silent',
    ...options,
  });
}
