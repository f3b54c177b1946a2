/** The web component with a real server and a real storage: the main paths, with the mouse and with the keyboard. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { describeBrowser } from '../support/chromium.ts';
import { fixture } from '../support/fixtures.ts';
import { type ElementApp, type ElementVisit, startElementApp, visitElement } from './element-page.ts';

const photo = fixture('camera.jpg').path;
const picture = fixture('quadrants.png').path;
const note = fixture('note.txt').path;

describeBrowser('<waybill-dropzone>', (browser) => {
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

  async function open(html: string, options = {}): Promise<ElementVisit> {
    visit = await visitElement(browser(), app.url, html, options);
    return visit;
  }
  const holdUploads = () =>
    app.store.setFaults({
      // The form with the bytes of a file, and no request of the server.
      when: ({ method, query }) => method === 'POST' && query.length === 0,
      delayMs: 600_000,
    });
  const state = (seen: ElementVisit, fileName: string, expected: string) =>
    expect.poll(() => seen.row(fileName).getAttribute('data-state')).toBe(expected);

  it('a chosen file is uploaded, and its URL is the value of the form', async () => {
    const seen = await open(
      '<form><waybill-dropzone route="files" name="attachments" required></waybill-dropzone></form>',
    );
    const entries = () =>
      seen.page.evaluate(() => {
        const form = document.querySelector('form');
        return form && { valid: form.checkValidity(), values: new FormData(form).getAll('attachments') };
      });
    expect(await entries()).toEqual({ valid: false, values: [] });
    await seen.choose(photo, note);
    await state(seen, 'camera.jpg', 'done');
    await state(seen, 'note.txt', 'done');
    const { valid, values } = (await entries()) ?? { values: [] };
    expect([valid, values.length]).toEqual([true, 2]);
    // The reference leads to the file.
    const response = await seen.page.request.get(new URL(String(values[0]), app.url).href);
    expect([response.status(), response.headers()['content-type']]).toEqual([200, 'image/jpeg']);
    expect(
      await seen.dropzone.evaluate((element) => (element as HTMLElementTagNameMap['waybill-dropzone']).value),
    ).toEqual(values);
    await seen.page.evaluate(() => document.querySelector('form')?.reset());
    await expect.poll(() => seen.dropzone.getByRole('listitem').count()).toBe(0);
    expect(await entries()).toEqual({ valid: false, values: [] });
    expect(seen.problems).toEqual([]);
  });

  it('the limits of the route are shown before a file is chosen, and a refused file says why', async () => {
    const seen = await open('<waybill-dropzone route="photos"></waybill-dropzone>');
    await seen.dropzone.getByText('Images, PDF · Up to 20 MB each').waitFor();
    await seen.choose(note);
    await seen.row('note.txt').getByText('Files of this type are not accepted here. Accepted: Images, PDF.').waitFor();
    // The same file would be refused again.
    expect(await seen.row('note.txt').getByRole('button').allInnerTexts()).toHaveLength(1);
    expect(await seen.dropzone.locator('input').getAttribute('accept')).toBe('image/*,application/pdf');
  });

  it('a route for one file replaces the file by another one', async () => {
    const seen = await open('<waybill-dropzone route="avatar"></waybill-dropzone>');
    await seen.dropzone.getByRole('button', { name: 'Choose a file' }).waitFor();
    await seen.choose(photo);
    await state(seen, 'camera.jpg', 'done');
    await seen.choose(picture);
    await state(seen, 'quadrants.png', 'done');
    expect(await seen.dropzone.getByRole('listitem').count()).toBe(1);
  });

  it('pause, resume, cancel, retry and remove work with the mouse', async () => {
    const seen = await open('<waybill-dropzone route="files"></waybill-dropzone>');
    holdUploads();
    await seen.choose(photo);
    await state(seen, 'camera.jpg', 'uploading');
    const button = (name: string) => seen.row('camera.jpg').getByRole('button', { name: `${name} camera.jpg` });
    await button('Pause').click();
    await state(seen, 'camera.jpg', 'paused');
    await button('Resume').click();
    await state(seen, 'camera.jpg', 'uploading');
    await button('Cancel').click();
    await state(seen, 'camera.jpg', 'aborted');
    app.store.setFaults(undefined);
    await button('Try again').click();
    await state(seen, 'camera.jpg', 'done');
    await button('Remove').click();
    await expect.poll(() => seen.dropzone.getByRole('listitem').count()).toBe(0);
    expect(seen.problems.filter((problem) => !problem.includes('ERR_'))).toEqual([]);
  });

  it('the keyboard alone pauses, resumes, reorders and removes, and keeps the focus', async () => {
    const seen = await open('<waybill-dropzone route="files" reorder></waybill-dropzone>');
    holdUploads();
    await seen.choose(photo, picture, note);
    await state(seen, 'camera.jpg', 'uploading');
    await state(seen, 'note.txt', 'uploading');
    const focused = () =>
      seen.dropzone.evaluate((element) => element.shadowRoot?.activeElement?.getAttribute('aria-label') ?? null);
    const tabTo = async (label: string) => {
      for (let tabs = 0; tabs < 40 && !(await focused())?.startsWith(label); tabs++)
        await seen.page.keyboard.press('Tab');
      expect(await focused()).toContain(label);
    };
    await tabTo('Move camera.jpg');
    await seen.page.keyboard.press('ArrowDown');
    expect(await focused()).toContain('Move camera.jpg');
    await seen.dropzone.getByText('camera.jpg: position 2 of 3').waitFor({ state: 'attached' });
    expect((await seen.dropzone.getByRole('listitem').allTextContents())[0]).toContain('quadrants.png');
    await tabTo('Pause camera.jpg');
    await seen.page.keyboard.press('Enter');
    await state(seen, 'camera.jpg', 'paused');
    expect(await focused()).toBe('Resume camera.jpg');
    await seen.page.keyboard.press('Enter');
    await state(seen, 'camera.jpg', 'uploading');
    await tabTo('Cancel camera.jpg');
    await seen.page.keyboard.press('Enter');
    await state(seen, 'camera.jpg', 'aborted');
    expect(await focused()).toBe('Remove camera.jpg');
    await seen.page.keyboard.press('Enter');
    expect(await focused()).toBe('Cancel note.txt');
    await seen.page.keyboard.press('Enter');
    await seen.page.keyboard.press('Enter');
    expect(await focused()).toBe('Cancel quadrants.png');
    await seen.page.keyboard.press('Enter');
    await seen.page.keyboard.press('Enter');
    // The list is empty, and the focus is where the next file begins.
    expect(await seen.dropzone.evaluate((element) => element.shadowRoot?.activeElement?.textContent)).toBe(
      'Choose files',
    );
  });

  it('`manual` sends each file once, when the button is clicked, and `skip-duplicates` leaves out a file', async () => {
    const seen = await open('<waybill-dropzone route="files" manual skip-duplicates></waybill-dropzone>');
    const grants: string[] = [];
    seen.page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/uploads')) grants.push(request.postData() ?? '');
    });
    await seen.choose(photo);
    await state(seen, 'camera.jpg', 'ready');
    await seen.choose(photo, note);
    await seen.dropzone.locator('.notice').getByText('1 file is already in the list').waitFor();
    expect(grants).toEqual([]);
    await seen.dropzone.getByRole('button', { name: 'Upload 2 files' }).dblclick();
    await state(seen, 'camera.jpg', 'done');
    await state(seen, 'note.txt', 'done');
    expect(grants.join().match(/camera\.jpg/g)).toHaveLength(1);
  });
});
