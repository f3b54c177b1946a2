/**
 * The same cases through the binding of every framework, in their development builds: a real client, the real upload
 * server and the devstore. React runs in StrictMode.
 */
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeBrowser } from '../support/chromium.ts';
import { png } from '../support/server-app.ts';
import { bundleFrameworks } from './bindings/build.ts';
import type { BindingPage, Scene } from './bindings/page.ts';
import { startBindingServer } from './bindings/server.ts';

const frameworks = ['react', 'vue', 'svelte', 'solid', 'angular'] as const;
const text = (name: string, content = 'hello') => ({ name, mimeType: 'text/plain', buffer: Buffer.from(content) });
const photo = (name: string) => ({ name, mimeType: 'image/png', buffer: png });

describeBrowser('the bindings', (browser) => {
  let server: Awaited<ReturnType<typeof startBindingServer>>;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    const folder = fileURLToPath(new URL('bindings/', import.meta.url));
    const { outputFiles = [] } = await bundleFrameworks('browser', {
      entryPoints: frameworks.map((name) => `${folder}${name}.${['react', 'solid'].includes(name) ? 'tsx' : 'ts'}`),
      outdir: '/out',
      write: false,
    });
    server = await startBindingServer(
      new Map(outputFiles.map((file) => [file.path.replace(/.*[/\\]/, ''), file.text])),
    );
  });

  afterAll(() => server?.close());

  describe.each(frameworks)('%s', (framework) => {
    beforeAll(async () => {
      page = await browser().newPage();
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      await page.goto(`${server.url}/${framework}`);
      await page.waitForFunction(() => 'bindingPage' in window);
    });

    beforeEach(() => {
      complaints.length = 0;
    });

    afterEach(() => expect(complaints).toEqual([]));

    afterAll(() => page?.close());

    /** Runs a function with the state of the page. */
    const inPage = <T>(run: (page: BindingPage) => T) => page.evaluate(`(${run})(window.bindingPage)`) as Promise<T>;

    async function show(scene: Scene) {
      await page.evaluate((scene) => {
        window.bindingPage.calls.length = 0;
        window.bindingPage.isHeld = scene !== 'many';
        window.bindingPage.show(scene);
      }, scene);
      await page.waitForSelector('output:text("idle")');
    }
    const status = (text: string) => page.waitForSelector(`output:text-is("${text}")`);
    const click = (id: string) => page.$eval(`#${id}`, (button) => (button as HTMLElement).click());
    const countCalls = (what: string) =>
      page.evaluate((what) => window.bindingPage.calls.filter((call) => call.includes(what)).length, what);
    const rows = (list: 'ul' | 'ol', expected: string[]) =>
      expect
        .poll(async () => (await page.locator(`${list} > li`).allTextContents()).map((row) => row.trim()))
        .toEqual(expected);

    it('one upload sends a file once and gives the data of its route, without a listener after its end', async () => {
      await show('one');
      await page.waitForSelector('#file[accept="text/plain"]');
      expect(await countCalls('POST')).toBe(0);
      await page.setInputFiles('#file', text('a.txt'));
      await status('uploading');
      expect(await inPage((page) => page.listeners)).toBe(1);
      await inPage((page) => page.release());
      await status('done');
      expect(await page.textContent('data')).toBe('chosen');
      expect(await countCalls('storage')).toBe(1);
      await click('reset');
      await status('idle');
      expect(await inPage((page) => page.listeners)).toBe(0);
    });

    it('one upload sends the file of a double click once, and another file instead of the first', async () => {
      await show('one');
      await click('twice');
      await status('uploading');
      await inPage((page) => page.release());
      await status('done');
      expect(await countCalls('storage')).toBe(1);
      await click('other');
      await page.waitForFunction(() => document.querySelector('data')?.textContent === 'b');
      await status('done');
      expect(await countCalls('/complete')).toBe(2);
    });

    it('one upload can be paused, resumed, aborted and tried again', async () => {
      await show('one');
      await click('twice');
      await status('uploading');
      await click('pause');
      await status('paused');
      await click('resume');
      await status('uploading');
      await click('abort');
      await status('aborted');
      expect(await page.textContent('[role=alert]')).toBe('aborted');
      await click('retry');
      await status('uploading');
      await inPage((page) => page.release());
      await status('done');
    });

    it('an upload continues after its component has ended, without listeners', async () => {
      await show('one');
      await click('twice');
      await status('uploading');
      await inPage((page) => page.hide());
      await page.waitForFunction(() => window.bindingPage.listeners === 0);
      await inPage((page) => page.release());
      await page.waitForFunction(() => window.bindingPage.calls.some((call) => call.endsWith('/complete')));
      expect(await countCalls('/abort')).toBe(0);
    });

    it('an upload with abortOnUnmount ends with its component', async () => {
      await show('aborting');
      await click('twice');
      await status('uploading');
      expect(await countCalls('/abort')).toBe(0);
      await inPage((page) => page.hide());
      await page.waitForFunction(() => window.bindingPage.calls.some((call) => call.endsWith('/abort')));
      expect(await countCalls('/complete')).toBe(0);
    });

    it('a dropzone sends chosen files, and gives the reason for each file that the route refuses', async () => {
      await show('many');
      await page.waitForSelector('#zone input[accept="image/png"][multiple]', { state: 'attached' });
      const large = { ...photo('large.png'), buffer: Buffer.alloc(6000) };
      await page.setInputFiles('#zone input', [photo('a.png'), text('note.txt'), large]);
      await rows('ul', ['a.png done']);
      await rows('ol', ['note.txt content_type_not_allowed', 'large.png file_too_large']);
      expect(await countCalls('storage')).toBe(1);
      await page.setInputFiles(
        '#zone input',
        ['1', '2', '3', '4'].map((name) => photo(`${name}.png`)),
      );
      await rows(
        'ol',
        ['1.png', '2.png', '3.png', '4.png'].map((name) => `${name} too_many_files`),
      );
      await page.click('ul button');
      await rows('ul', []);
    });

    it('a dropzone takes dropped and pasted files, and leaves dropped text alone', async () => {
      await show('many');
      const bytes = png.toString('base64');
      const fire = (type: string, withFile: boolean) =>
        page.evaluate(
          ([type = '', bytes = '', isFile]) => {
            const data = new DataTransfer();
            const content = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
            if (isFile) data.items.add(new File([content], `${type}.png`, { type: 'image/png' }));
            else data.setData('text/plain', 'words');
            const init = { bubbles: true, cancelable: true };
            const event =
              type === 'paste'
                ? new ClipboardEvent(type, { ...init, clipboardData: data })
                : new DragEvent(type, { ...init, dataTransfer: data });
            return !(document.querySelector('#zone span') as Element).dispatchEvent(event);
          },
          [type, bytes, withFile ? 'file' : ''],
        );
      expect(await fire('dragenter', false)).toBe(false);
      await status('idle');
      expect(await fire('dragenter', true)).toBe(true);
      await page.waitForSelector('#zone[data-dragging]');
      await status('dragging');
      await fire('dragleave', true);
      await status('idle');
      expect(await fire('drop', true)).toBe(true);
      expect(await fire('paste', false)).toBe(false);
      await rows('ul', ['drop.png done']);
      expect(await fire('paste', true)).toBe(true);
      await rows('ul', ['drop.png done', 'paste.png done']);
      expect(await page.getAttribute('#zone', 'data-dragging')).toBe(null);
    });

    it('a dropzone opens the dialog by keys and clicks, and keeps the focus', async () => {
      await show('many');
      let opened = 0;
      // With a listener from the beginning, the browser never shows a dialog of its own.
      page.on('filechooser', () => opened++);
      await page.focus('#zone[role=button]');
      for (const key of ['Enter', ' ']) {
        const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.keyboard.press(key)]);
        expect(chooser.isMultiple()).toBe(true);
      }
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('zone');
      await Promise.all([page.waitForEvent('filechooser'), page.click('#zone span')]);
      await page.click('#inner');
      await Promise.all([page.waitForEvent('filechooser'), click('folder')]);
      expect(opened).toBe(4);
      expect(await page.$eval('#zone input', (input) => (input as HTMLInputElement).webkitdirectory)).toBe(true);
    });
  });
});
