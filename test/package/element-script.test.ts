/** The web component as one script, for a page without a bundler: docs/element.md, "Quick start". */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startElementApp, visitElement } from '../browser/element-page.ts';
import { describeBrowser } from '../support/chromium.ts';
import { fixture } from '../support/fixtures.ts';

const folder = fileURLToPath(new URL('../../dist/browser', import.meta.url));

describeBrowser('the script of the web component', (browser) => {
  it('waybill-dropzone.js uploads a photo, and loads the rest from its own folder', async () => {
    const app = await startElementApp();
    const context = await browser().newContext();
    try {
      const built = await readdir(folder);
      const loaded: string[] = [];
      await context.route(/\.js$/, (request) => {
        const asked = basename(new URL(request.request().url()).pathname);
        // The page of the test app loads `page.js`.
        const name = asked === 'page.js' ? 'waybill-dropzone.js' : asked;
        loaded.push(name);
        return request.fulfill({ path: join(folder, name), contentType: 'text/javascript' });
      });
      const { dropzone, row, choose, problems } = await visitElement(
        browser(),
        app.url,
        '<waybill-dropzone route="photos" lang="fr"></waybill-dropzone>',
        {},
        context,
      );
      await choose(fixture('camera.jpg').path);
      await expect.poll(() => row('camera.jpg').getAttribute('data-state')).toBe('done');
      expect(await dropzone.getByRole('listitem').count()).toBe(1);
      expect(loaded[0]).toBe('waybill-dropzone.js');
      expect(loaded.length).toBeGreaterThan(1);
      expect(loaded.filter((name) => !built.includes(name))).toEqual([]);
      expect(problems).toEqual([]);
    } finally {
      await context.close();
      await app.close();
    }
  });
});
