/** Adds files by choosing, dropping and pasting, with real drags and a real clipboard of the browser. */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeBuiltPage } from '../support/built-page.ts';
import { describeBrowser } from '../support/chromium.ts';
import { fixture } from '../support/fixtures.ts';
import { dragOver, expectQuadrants, type PageAppWithStore, startPageWithStore, type Visit, visit } from './page-app.ts';

afterAll(removeBuiltPage);

describeBrowser('the page accepts', (browser) => {
  let app: PageAppWithStore;
  beforeAll(async () => {
    app = await startPageWithStore();
  });
  afterAll(() => app?.close());

  it('several files that are chosen with the keyboard alone', async () => {
    const { page, waitForBadge, problems, close } = await visit(browser(), app.url);
    // The routes are shown after the server has answered.
    await page.locator('#routes input').first().waitFor();
    const chooser = page.waitForEvent('filechooser');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('files');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Choose files');
    await page.keyboard.press('Enter');
    await (await chooser).setFiles([fixture('camera.jpg').path, fixture('note.txt').path, fixture('clip.mp4').path]);
    for (const name of ['camera.jpg', 'note.txt', 'clip.mp4']) await waitForBadge(name, 'Received');
    expect(await page.locator('#tally').textContent()).toMatch(/^3 received, .* 0 bytes of it through the server$/);
    expect(problems).toEqual([]);
    await close();
  });

  it('files that are dropped anywhere on the window, and shows that it does', async () => {
    const { page, waitForBadge, problems, close } = await visit(browser(), app.url);
    const dropTarget = page.locator('.drop-target').getByText('Let go to send');
    const drag = await dragOver(page, [fixture('quadrants.png').path, fixture('quadrants.webp').path]);
    await drag.hoverUntil(() => dropTarget.isVisible());
    // The DevTools protocol cannot leave the window: its `dragCancel` ends the drag without an event.
    await page.evaluate(() => dispatchEvent(new DragEvent('dragleave')));
    await dropTarget.waitFor({ state: 'hidden' });
    await drag.hoverUntil(() => dropTarget.isVisible());
    await drag.drop();
    await page.locator('.drop-target').waitFor({ state: 'hidden' });
    for (const name of ['quadrants.png', 'quadrants.webp'])
      await expectQuadrants((await waitForBadge(name, 'Received')).locator('.thumbnail .stored'));
    expect(page.url()).toBe(`${app.url}/`);
    expect(problems).toEqual([]);
    await close();
  });

  it('all files of a dropped folder, each with its path, except the files of file managers', async () => {
    const parent = await mkdtemp(`${tmpdir()}/waybill-folder-`);
    const folder = join(parent, 'summer');
    await mkdir(join(folder, 'day one'), { recursive: true });
    await copyFile(fixture('camera.jpg').path, join(folder, 'day one/camera.jpg'));
    await copyFile(fixture('tone.mp3').path, join(folder, 'tone.mp3'));
    await writeFile(join(folder, '.DS_Store'), 'x');
    const { page, waitForBadge, problems, close } = await visit(browser(), app.url);
    try {
      await (await dragOver(page, [folder, fixture('note.txt').path])).drop();
      const photo = await waitForBadge('camera.jpg', 'Received');
      expect(await photo.locator('.facts').textContent()).toContain('in\u00A0summer/day\u00A0one');
      await waitForBadge('tone.mp3', 'Received');
      await waitForBadge('note.txt', 'Received');
      expect(await page.locator('.upload').count()).toBe(3);
      expect(problems).toEqual([]);
    } finally {
      await close();
      await rm(parent, { recursive: true, force: true });
    }
  });

  it('a chosen folder, and says when a folder is empty', async () => {
    const parent = await mkdtemp(`${tmpdir()}/waybill-folder-`);
    await mkdir(join(parent, 'full/below'), { recursive: true });
    await mkdir(join(parent, 'empty'));
    await copyFile(fixture('note.txt').path, join(parent, 'full/below/note.txt'));
    const { page, waitForBadge, problems, close } = await visit(browser(), app.url);
    try {
      const chooser = page.waitForEvent('filechooser');
      await page.getByRole('button', { name: 'Choose a folder' }).click();
      await (await chooser).setFiles(join(parent, 'full'));
      const note = await waitForBadge('note.txt', 'Received');
      expect(await note.locator('.facts').textContent()).toContain('in\u00A0full/below');
      await (await dragOver(page, [join(parent, 'empty')])).drop();
      await page.getByText('There is no file in what you dropped.').first().waitFor();
      expect(problems).toEqual([]);
    } finally {
      await close();
      await rm(parent, { recursive: true, force: true });
    }
  });

  it('a pasted picture, and says when the clipboard has no file', async () => {
    const { page, problems, close } = await visit(browser(), app.url, {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await page.bringToFront();
    await page.evaluate(() => navigator.clipboard.writeText('only words'));
    await page.keyboard.press('Control+V');
    await page.getByText('There is no file on the clipboard.').first().waitFor();
    expect(await page.locator('.upload').count()).toBe(0);

    await page.evaluate(
      async (bytes) => {
        const png = new Blob([new Uint8Array(bytes)], { type: 'image/png' });
        await navigator.clipboard.write([new ClipboardItem({ 'image/png': png })]);
      },
      [...fixture('quadrants.png').bytes],
    );
    await page.keyboard.press('Control+V');
    const row = page.locator('.upload');
    await row.locator('.status-badge').getByText('Received').waitFor();
    await expectQuadrants(row.locator('.thumbnail .stored'));
    expect(problems).toEqual([]);
    await close();
  });

  it('the same file twice, as two uploads', async () => {
    const { page, choose, problems, close } = await visit(browser(), app.url);
    await choose(fixture('camera.jpg').path);
    await choose(fixture('camera.jpg').path);
    await expect.poll(() => page.locator('.status-badge').getByText('Received').count()).toBe(2);
    const urls = await page
      .locator('.thumbnail .stored')
      .evaluateAll((images) => images.map((image) => image.getAttribute('src')));
    expect(new Set(urls).size).toBe(2);
    expect(problems).toEqual([]);
    await close();
  });

  it('nine photos, which fit the screen of a laptop', async () => {
    const viewport = { width: 1366, height: 768 };
    const { page, choose, problems, close } = await visit(browser(), app.url, { viewport });
    await choose(...Array.from({ length: 9 }, () => fixture('camera.jpg').path));
    await expect.poll(() => page.locator('.status-badge').getByText('Received').count()).toBe(9);
    const last = await page.locator('.upload').last().boundingBox();
    expect((last?.y ?? viewport.height) + (last?.height ?? 0)).toBeLessThanOrEqual(viewport.height);
    expect(problems).toEqual([]);
    await close();
  });

  it('thirty files at once', async () => {
    const { page, choose, problems, close } = await visit(browser(), app.url);
    await choose(...Array.from({ length: 30 }, () => fixture('quadrants.png').path));
    await expect.poll(() => page.locator('.status-badge').getByText('Received').count()).toBe(30);
    expect(await page.locator('.upload').count()).toBe(30);
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
