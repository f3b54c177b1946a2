/** Chromium, by playwright-core. */
import { launchChromium } from '../chromium.ts';
import { createPage, type Engine, viewport } from './engine.ts';

export async function launchChromiumEngine(): Promise<Engine> {
  const browser = await launchChromium();
  const context = await browser.newContext({ viewport });
  return {
    name: 'chromium',
    version: `Chromium ${browser.version()}`,
    async open(url) {
      const page = await context.newPage();
      await page.goto(url);
      return createPage({
        run: (expression) => page.evaluate<string>(expression),
        setFiles: (selector, ...paths) => page.setInputFiles(selector, paths),
        click: (selector) => page.click(selector),
        async goto(next) {
          await page.goto(next);
        },
        async reload() {
          await page.reload();
        },
        screenshot: () => page.screenshot(),
        close: () => page.close(),
      });
    },
    close: () => browser.close(),
  };
}
