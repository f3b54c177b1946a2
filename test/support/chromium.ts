/**
 * Chromium for tests: $CHROMIUM_PATH, else the usual places. `describeBrowser` skips loudly where there is none, and fails
 * under CI.
 */
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe } from 'vitest';
import { findChromium } from '../../scripts/lib/chromium.mjs';

export const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** A headless Chromium; the caller closes it. */
export async function launchChromium(args: readonly string[] = []): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error(missing);
  return chromium.launch({ executablePath, headless: true, args: [...chromiumArgs, ...args] });
}

const missing =
  'no Chromium found: set CHROMIUM_PATH, or install one (Debian: apt-get install chromium; elsewhere: npx playwright install chromium)';

/** Describes a suite around one browser, opened in beforeAll and closed in afterAll. Pages are the suite's own. */
export function describeBrowser(name: string, suite: (browser: () => Browser) => void): void {
  let browser: Browser | undefined;
  const opened = () => {
    if (!browser) throw new Error('The browser opens in beforeAll');
    return browser;
  };
  const here = findChromium() !== undefined;
  if (!here && !process.env.CI) console.warn(`SKIPPED ${name}: ${missing}`);
  describe.skipIf(!here && !process.env.CI)(name, () => {
    beforeAll(async () => {
      browser = await launchChromium();
    });
    afterAll(async () => {
      await browser?.close();
    });
    suite(opened);
  });
}
