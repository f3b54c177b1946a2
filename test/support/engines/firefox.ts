/** Firefox, by puppeteer-core over WebDriver BiDi. https://w3c.github.io/webdriver-bidi/ */
import puppeteer from 'puppeteer-core';
import { findFirefox } from '../../../scripts/lib/engines.mjs';
import { createPage, type Engine, viewport } from './engine.ts';

/** No call ends because of a slow machine: the time limit is that of the test. */
const protocolTimeout = 3_600_000;

export async function launchFirefoxEngine(): Promise<Engine> {
  const executablePath = findFirefox();
  if (!executablePath) throw new Error('No Firefox was found: set FIREFOX_PATH (Debian: apt-get install firefox-esr).');
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
          await (input as import('puppeteer-core').ElementHandle<HTMLInputElement>).uploadFile(...paths);
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
