/**
 * Launches Chromium for tests, from $CHROMIUM_PATH or the usual places. Without Chromium, `describeBrowser` skips the
 * suite with a warning, and fails under CI.
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

/** Launches a headless Chromium. The caller closes it. */
export async function launchChromium(args: readonly string[] = []): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error(missingMessage);
  return chromium.launch({ executablePath, headless: true, args: [...chromiumArgs, ...args] });
}

const missingMessage =
  'no Chromium found: set CHROMIUM_PATH, or install one (apt-get install chromium, or npx playwright install chromium)';

/**
 * Describes a suite that shares one browser, opened in beforeAll and closed in afterAll. The suite opens its own pages.
 */
export function describeBrowser(name: string, suite: (browser: () => Browser) => void): void {
  let browser: Browser | undefined;
  const opened = () => {
    if (!browser) throw new Error('The browser is opened in beforeAll.');
    return browser;
  };
  const isInstalled = findChromium() !== undefined;
  if (!isInstalled && !process.env.CI) console.warn(`SKIPPED ${name}: ${missingMessage}`);
  describe.skipIf(!isInstalled && !process.env.CI)(name, () => {
    beforeAll(async () => {
      browser = await launchChromium();
    });
    afterAll(async () => {
      await browser?.close();
    });
    suite(opened);
  });
}
