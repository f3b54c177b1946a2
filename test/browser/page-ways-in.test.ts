/** Three ways in: choosing, dropping, pasting; with the mouse and without. Real drags and a real clipboard, by the browser itself. */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeBuiltPage } from '../support/built-page.ts';
import { describeBrowser } from '../support/chromium.ts';
import { fixture } from '../support/fixtures.ts';
import { dragOver, expectQuadrants, type PageAppWithStore, startPageWithStore, type Visit, visit } from './page-app.ts';

afterAll(removeBuiltPage);

describeBrowser('files come in', (browser) => {
  let app: PageAppWithStore;
  beforeAll(async () => {
    app = await startPageWithStore();
  });
  afterAll(() => app?.close());

  it('by choosing several, with the keyboard alone', async () => {
    const { page, stamped, problems, close } = await visit(browser(), app.url);
    // What the server takes arrives after the page.
    await page.locator('#services input').first().waitFor();
    const chooser = page.waitForEvent('filechooser');
    // From the top: the services, then the button.
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('files');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Choose files');
    await page.keyboard.press('Enter');
    await (await chooser).setFiles([fixture('camera.jpg').path, fixture('note.txt').path, fixture('clip.mp4').path]);
    for (const name of ['camera.jpg', 'note.txt', 'clip.mp4']) await stamped(name, 'Received');
    expect(await page.locator('#tally').textContent()).toMatch(/^3 received, .* 0 bytes of it through the server$/);
    expect(problems).toEqual([]);
    await close();
  });

  it('by dropping anywhere on the window; the page says where it is willing', async () => {
    const { page, stamped, problems, close } = await visit(browser(), app.url);
    const landing = page.locator('.landing').getByText('Let go to send');
    const drag = await dragOver(page, [fixture('quadrants.png').path, fixture('quadrants.webp').path]);
    await drag.hoverUntil(() => landing.isVisible());
    // Leaving is what the protocol cannot say: its `dragCancel` ends the drag without an event.
    await page.evaluate(() => dispatchEvent(new DragEvent('dragleave')));
    await landing.waitFor({ state: 'hidden' });
    await drag.hoverUntil(() => landing.isVisible());
    await drag.drop();
    await page.locator('.landing').waitFor({ state: 'hidden' });
    for (const name of ['quadrants.png', 'quadrants.webp'])
      await expectQuadrants((await stamped(name, 'Received')).locator('img'));
    expect(page.url()).toBe(`${app.url}/`);
    expect(problems).toEqual([]);
    await close();
  });

  it('a dropped folder is all its files, each with its place, without what file managers leave', async () => {
    const parent = await mkdtemp(`${tmpdir()}/waybill-folder-`);
    const folder = join(parent, 'summer');
    await mkdir(join(folder, 'day one'), { recursive: true });
    await copyFile(fixture('camera.jpg').path, join(folder, 'day one/camera.jpg'));
    await copyFile(fixture('tone.mp3').path, join(folder, 'tone.mp3'));
    await writeFile(join(folder, '.DS_Store'), 'x');
    const { page, stamped, problems, close } = await visit(browser(), app.url);
    try {
      await (await dragOver(page, [folder, fixture('note.txt').path])).drop();
      const photo = await stamped('camera.jpg', 'Received');
      expect(await photo.locator('.facts').textContent()).toContain('in\u00A0summer/day\u00A0one');
      await stamped('tone.mp3', 'Received');
      await stamped('note.txt', 'Received');
      expect(await page.locator('.consignment').count()).toBe(3);
      expect(problems).toEqual([]);
    } finally {
      await close();
      await rm(parent, { recursive: true, force: true });
    }
  });

  it('a folder can be chosen, and an empty one says so', async () => {
    const parent = await mkdtemp(`${tmpdir()}/waybill-folder-`);
    await mkdir(join(parent, 'full/below'), { recursive: true });
    await mkdir(join(parent, 'empty'));
    await copyFile(fixture('note.txt').path, join(parent, 'full/below/note.txt'));
    const { page, stamped, problems, close } = await visit(browser(), app.url);
    try {
      const chooser = page.waitForEvent('filechooser');
      await page.getByRole('button', { name: 'Choose a folder' }).click();
      await (await chooser).setFiles(join(parent, 'full'));
      const note = await stamped('note.txt', 'Received');
      expect(await note.locator('.facts').textContent()).toContain('in\u00A0full/below');
      await (await dragOver(page, [join(parent, 'empty')])).drop();
      await page.getByText('There is no file in what you dropped.').first().waitFor();
      expect(problems).toEqual([]);
    } finally {
      await close();
      await rm(parent, { recursive: true, force: true });
    }
  });

  it('by pasting a picture; pasting words says that there is no file', async () => {
    const { page, problems, close } = await visit(browser(), app.url, {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await page.bringToFront();
    await page.evaluate(() => navigator.clipboard.writeText('only words'));
    await page.keyboard.press('Control+V');
    await page.getByText('There is no file on the clipboard.').first().waitFor();
    expect(await page.locator('.consignment').count()).toBe(0);

    await page.evaluate(
      async (bytes) => {
        const png = new Blob([new Uint8Array(bytes)], { type: 'image/png' });
        await navigator.clipboard.write([new ClipboardItem({ 'image/png': png })]);
      },
      [...fixture('quadrants.png').bytes],
    );
    await page.keyboard.press('Control+V');
    const slip = page.locator('.consignment');
    await slip.locator('.stamp').getByText('Received').waitFor();
    await expectQuadrants(slip.locator('img'));
    expect(problems).toEqual([]);
    await close();
  });

  it('the same file twice is two consignments', async () => {
    const { page, pick, problems, close } = await visit(browser(), app.url);
    await pick(fixture('camera.jpg').path);
    await pick(fixture('camera.jpg').path);
    await expect.poll(() => page.locator('.stamp').getByText('Received').count()).toBe(2);
    const urls = await page
      .locator('.exhibit img')
      .evaluateAll((images) => images.map((image) => image.getAttribute('src')));
    expect(new Set(urls).size).toBe(2);
    expect(problems).toEqual([]);
    await close();
  });

  it('thirty files at once all arrive', async () => {
    const { page, pick, problems, close } = await visit(browser(), app.url);
    await pick(...Array.from({ length: 30 }, () => fixture('quadrants.png').path));
    await expect.poll(() => page.locator('.stamp').getByText('Received').count(), { timeout: 30_000 }).toBe(30);
    expect(await page.locator('.number').first().textContent()).toBe('030');
    expect(problems).toEqual([]);
    await close();
  });
});

async function focused(page: Visit['page']): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement;
    return element instanceof HTMLInputElement ? element.value : (element?.textContent ?? '');
  });
}
