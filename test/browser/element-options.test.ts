/** The web component: what docs/element.md says of its attributes, events and the question before leaving the page. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { DropzoneEvents } from '../../src/elements/index.ts';
import { describeBrowser } from '../support/chromium.ts';
import { fixture } from '../support/fixtures.ts';
import { type ElementApp, type ElementVisit, show, startElementApp, visitElement } from './element-page.ts';

const photo = fixture('camera.jpg').path;
const picture = fixture('quadrants.png').path;
const note = fixture('note.txt').path;

describeBrowser('an option of <waybill-dropzone>', (browser) => {
  let app: ElementApp;
  let visit: ElementVisit | undefined;

  beforeAll(async () => {
    app = await startElementApp();
  });
  afterEach(async () => {
    app.store.setFaults(undefined);
    await visit?.close();
    visit = undefined;
  });
  afterAll(() => app?.close());

  async function open(attributes: string): Promise<ElementVisit> {
    visit = await visitElement(browser(), app.url, `<waybill-dropzone route="files" ${attributes}></waybill-dropzone>`);
    return visit;
  }
  const state = (seen: ElementVisit, fileName: string, expected: string) =>
    expect.poll(() => seen.row(fileName).getAttribute('data-state')).toBe(expected);
  const value = (seen: ElementVisit) =>
    seen.dropzone.evaluate((element) => (element as HTMLElementTagNameMap['waybill-dropzone']).value);

  it('`persist` keeps stored files over a reload, in this tab only', async () => {
    const html = '<waybill-dropzone route="files" persist="album"></waybill-dropzone>';
    const seen = await open('persist="album"');
    await seen.choose(photo, note);
    await state(seen, 'camera.jpg', 'done');
    await state(seen, 'note.txt', 'done');
    const before = await value(seen);
    expect(before).toHaveLength(2);
    await seen.page.reload();
    await show(seen.page, html);
    await state(seen, 'camera.jpg', 'done');
    expect(await value(seen)).toEqual(before);
    const tab = await seen.page.context().newPage();
    await tab.goto(app.url);
    await show(tab, html);
    await tab.locator('waybill-dropzone').getByText('Up to').waitFor();
    expect(await tab.locator('waybill-dropzone').getByRole('listitem').count()).toBe(0);
    expect(seen.problems).toEqual([]);
  });

  it('a file whose `upload-add` was prevented is left out', async () => {
    const seen = await open('');
    await seen.dropzone.evaluate((element) =>
      element.addEventListener('upload-add', (event) => {
        const { blob } = (event as DropzoneEvents['upload-add']).detail.file;
        if (blob.name.endsWith('.txt')) event.preventDefault();
      }),
    );
    await seen.choose(note, photo);
    await state(seen, 'camera.jpg', 'done');
    expect(await seen.dropzone.getByRole('listitem').count()).toBe(1);
  });

  it('`max-files` refuses the files that are too many', async () => {
    const seen = await open('max-files="2"');
    await seen.choose(photo, note, picture);
    await state(seen, 'camera.jpg', 'done');
    await state(seen, 'note.txt', 'done');
    expect(await value(seen)).toHaveLength(2);
    expect(await seen.dropzone.locator('[data-state="done"]').count()).toBe(2);
  });

  it('`disabled` takes no file', async () => {
    const seen = await open('disabled');
    await seen.dropzone.getByText('Up to').waitFor();
    expect(await seen.dropzone.getByRole('button', { name: 'Choose files' }).isDisabled()).toBe(true);
  });

  it('`paste="page"` adds a file that is pasted anywhere in the page', async () => {
    const seen = await open('paste="page"');
    await seen.dropzone.getByText('Up to').waitFor();
    await seen.page.evaluate(() => {
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File(['pasted'], 'pasted.txt', { type: 'text/plain' }));
      document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    });
    await state(seen, 'pasted.txt', 'done');
  });

  it('the browser asks before it leaves the page while an upload runs, and not afterwards', async () => {
    const seen = await open('');
    const questions: string[] = [];
    seen.page.on('dialog', (dialog) => {
      questions.push(dialog.type());
      void dialog.dismiss();
    });
    app.store.setFaults({ when: ({ method, query }) => method === 'POST' && query.length === 0, delayMs: 600_000 });
    await seen.choose(photo);
    await state(seen, 'camera.jpg', 'uploading');
    await seen.page.close({ runBeforeUnload: true });
    await expect.poll(() => questions).toEqual(['beforeunload']);
    await seen.row('camera.jpg').getByRole('button', { name: 'Cancel' }).click();
    await state(seen, 'camera.jpg', 'aborted');
    await seen.page.close({ runBeforeUnload: true });
    await expect.poll(() => seen.page.isClosed()).toBe(true);
    expect(questions).toEqual(['beforeunload']);
  });
});
