/** The environment of an upload: a store, the app's server, the links to both, a browser, and the pages that upload. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { startBrowser } from './browser.mjs';
import { startChild } from './child.mjs';
import { account, bucket } from './fixtures.mjs';
import { createSamples } from './samples.mjs';
import { startStore } from './store.mjs';

const here = new URL('../contenders/transfer/', import.meta.url);
const moduleOf = (name) => new URL(`${name}.mjs`, here).href;
const child = (name, argument) => startChild(new URL(`./${name}.mjs`, import.meta.url), argument);

/** `[path, module, options]` of each part of the app. */
const serverParts = [
  ['floor', moduleOf('floor-server')],
  ['one', moduleOf('waybill-server'), { hosts: 1 }],
  ['two', moduleOf('waybill-server'), { hosts: 2 }],
];
const peerParts = [
  ['uppy', moduleOf('uppy-server')],
  ['better', moduleOf('better-upload-server')],
];

/** Browser, files and bundles, which several environments share. */
export async function startBench() {
  const stops = [];
  const stop = async () => {
    for (const one of stops.reverse()) await one();
  };
  try {
    const browser = await startBrowser();
    stops.push(browser.stop);
    const samples = await createSamples();
    stops.push(samples.stop);
    return { browser, samples, pages: await bundlePages(join(samples.dir, 'pages')), stop, stops };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * @param {Awaited<ReturnType<typeof startBench>>} bench
 * @param {{ store: 'bare' | 'devstore', rttMs?: number, bytesPerSecond?: number, peers?: boolean }} options
 *   `bytesPerSecond` limits each connection to the store; 0 is no limit. Without both there is no link.
 */
export async function startEnvironment(bench, { store: kind, rttMs = 0, bytesPerSecond = 0, peers = true }) {
  const stops = [];
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  bench.stops.push(stop);
  const store = kind === 'bare' ? await startBareStore() : await startStore({ forPages: true });
  stops.push(store.stop);
  const far = rttMs > 0 || bytesPerSecond > 0;
  let publics = [store.endpoint];
  if (far) {
    const way = { target: store.endpoint, rttMs, bytesPerSecond };
    const link = await child('link-process', [way, way]);
    stops.push(link.stop);
    publics = link.ready.map((port) => `http://127.0.0.1:${port}`);
  }
  const app = await child('app-process', {
    parts: [...serverParts, ...(peers ? peerParts : [])],
    pages: bench.pages,
    options: { account, bucket, endpoint: store.endpoint, publics },
  });
  stops.push(app.stop);
  let appUrl = app.ready.url;
  if (far) {
    const link = await child('link-process', [{ target: appUrl, rttMs, bytesPerSecond: 0 }]);
    stops.push(link.stop);
    appUrl = `http://127.0.0.1:${link.ready[0]}`;
  }

  const open = (page, contextId) => bench.browser.openPage(`${appUrl}/page/${page}.js`, contextId);
  return {
    store,
    app,
    url: appUrl,
    open,
    stop,
    /**
     * A new page chooses the files and uploads them. Its clock measures from the call until all files are completed.
     * @returns {Promise<{ seconds: number, preflights: number, requests: number, bytes: number }>}
     */
    async upload({ page: name, options = {} }, files, { bytes, timeoutMs = 180_000 }) {
      const page = await open(name);
      try {
        await page.pick(files);
        await store.ask({ what: 'reset' });
        const { seconds, completed } = await page.evaluate(`globalThis.go(${JSON.stringify(options)})`, timeoutMs);
        const counts = await store.ask({ what: 'counts' });
        if (completed !== files.length) throw new Error(`only ${completed} of ${files.length} files were completed`);
        if (counts.bytes < bytes) throw new Error(`only ${counts.bytes} of ${bytes} bytes were sent`);
        return { seconds, ...counts };
      } finally {
        await page.close();
      }
    },
  };
}

export async function startBareStore() {
  const bare = await child('bare-store-process', null);
  return { endpoint: bare.ready.url, ask: bare.ask, stop: bare.stop };
}

/** Bundles each page by itself, as an app would. Modules that load later stay separate files. */
async function bundlePages(outdir) {
  const resolveDir = fileURLToPath(new URL('../peers', import.meta.url));
  const uppy5 = { '@uppy/core': 'uppy5-core', '@uppy/aws-s3': 'uppy5-aws-s3' };
  const pages = [
    ['floor-page'],
    ['prepare-page'],
    ['images-page'],
    ['waybill-page'],
    ['uppy-page'],
    ['uppy-page', 'uppy5-page', uppy5],
    ['better-upload-page'],
  ];
  for (const [entry, name = entry, alias = {}] of pages) {
    await build({
      entryPoints: { [name]: fileURLToPath(new URL(`${entry}.mjs`, here)) },
      bundle: true,
      minify: true,
      splitting: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      outdir,
      chunkNames: `${name}-[hash]`,
      // The packages of peers, and aliases, are resolved from there.
      absWorkingDir: resolveDir,
      nodePaths: [`${resolveDir}/node_modules`],
      alias,
      define: { 'process.env.NODE_ENV': '"production"' },
      logLevel: 'error',
    });
  }
  return outdir;
}
