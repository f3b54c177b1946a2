/** Firefox, by puppeteer-core over WebDriver BiDi. https://w3c.github.io/webdriver-bidi/ */
import { createRequire } from 'node:module';
import { findFirefox } from '../../../scripts/lib/engines.mjs';
import { ensureFolderInstalled } from '../../../scripts/lib/install.mjs';
import { createPage, type Engine, viewport } from './engine.ts';

/** Has a lockfile of its own: its 59 packages are needed for Firefox only. */
const folder = 'test/support/engines/puppeteer';

/** The part of puppeteer-core that is used here. */
interface Puppeteer {
  launch(options: object): Promise<PuppeteerBrowser>;
}
interface PuppeteerBrowser {
  version(): Promise<string>;
  newPage(): Promise<PuppeteerPage>;
  close(): Promise<void>;
}
interface PuppeteerPage {
  setDefaultTimeout(milliseconds: number): void;
  goto(url: string): Promise<unknown>;
  reload(): Promise<unknown>;
  evaluate(expression: string): Promise<unknown>;
  $(selector: string): Promise<{ uploadFile(...paths: string[]): Promise<void> } | null>;
  click(selector: string): Promise<void>;
  screenshot(): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** No call ends because of a slow machine: the time limit is that of the test. */
const protocolTimeout = 3_600_000;

export async function launchFirefoxEngine(): Promise<Engine> {
  const executablePath = findFirefox();
  if (!executablePath) throw new Error('No Firefox was found: set FIREFOX_PATH (Debian: apt-get install firefox-esr).');
  await ensureFolderInstalled(folder, 'the driver of Firefox');
  const require = createRequire(new URL('puppeteer/package.json', import.meta.url));
  const puppeteer: Puppeteer = require('puppeteer-core').default;
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    defaultViewport: viewport,
    protocolTimeout,
    timeout: protocolTimeout,
  });
  return {
    name: 'firefox',
    version: (await browser.version()).replace('firefox/', 'Firefox '),
    async open(url) {
      const page = await browser.newPage();
      page.setDefaultTimeout(protocolTimeout);
      await page.goto(url);
      return createPage({
        run: (expression) => page.evaluate(expression) as Promise<string>,
        async setFiles(selector, ...paths) {
          const input = await page.$(selector);
          if (!input) throw new Error(`The page has no ${selector}.`);
          await input.uploadFile(...paths);
        },
        click: (selector) => page.click(selector),
        async goto(next) {
          await page.goto(next);
        },
        async reload() {
          await page.reload();
        },
        screenshot: async () => Buffer.from(await page.screenshot()),
        close: () => page.close(),
      });
    },
    close: () => browser.close(),
  };
}
