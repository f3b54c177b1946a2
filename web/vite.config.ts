import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { defineConfig, type Plugin } from 'vite';

const require = createRequire(import.meta.url);

/** The OFL asks that its text travels with the fonts. */
function fontLicences(): Plugin {
  return {
    name: 'font-licences',
    generateBundle() {
      for (const name of ['@fontsource-variable/archivo', '@fontsource/courier-prime']) {
        const source = readFileSync(require.resolve(`${name}/LICENSE`), 'utf8');
        this.emitFile({ type: 'asset', fileName: `assets/${name.replace(/^.*\//, '')}-licence.txt`, source });
      }
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  resolve: { conditions: ['@waybill/source', 'module', 'browser', 'development|production'] },
  plugins: [fontLicences()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy allows no data: and no inline code.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
