/**
 * Runs a suite in each browser engine. A suite with `main: true` runs in all three; the others run in Chromium alone,
 * and in all three under `npm run test:browsers`. WAYBILL_ENGINES names others:
 *
 *     WAYBILL_ENGINES=firefox,webkit npx vitest run test/engines
 *
 * An engine that is not installed is skipped with a warning, and fails under CI.
 */
import { afterAll, beforeAll, describe } from 'vitest';
import { findChromium } from '../../scripts/lib/chromium.mjs';
import { findFirefox, findWebkitDriver, findXvfb } from '../../scripts/lib/engines.mjs';
import { launchChromiumEngine } from './engines/chromium.ts';
import type { Engine, EngineName } from './engines/engine.ts';
import { launchFirefoxEngine } from './engines/firefox.ts';
import { launchWebkitEngine } from './engines/webkit.ts';

const engines: Record<EngineName, { launch(): Promise<Engine>; isInstalled(): boolean; packages: string }> = {
  chromium: {
    launch: launchChromiumEngine,
    isInstalled: () => findChromium() !== undefined,
    packages: 'chromium',
  },
  firefox: {
    launch: launchFirefoxEngine,
    isInstalled: () => findFirefox() !== undefined,
    packages: 'firefox-esr',
  },
  webkit: {
    launch: launchWebkitEngine,
    isInstalled: () => findWebkitDriver() !== undefined && findXvfb() !== undefined,
    packages: 'webkit2gtk-driver xvfb',
  },
};

const engineNames = Object.keys(engines) as EngineName[];

export interface EngineSuite {
  readonly name: EngineName;
  /** Available from `beforeAll` on. */
  engine(): Engine;
}

/** Describes the suite once for each engine. The tests of a suite share one browser, and open their own pages. */
export function forEachEngine(title: string, options: { main: boolean }, suite: (suite: EngineSuite) => void): void {
  for (const name of chosenEngines(options.main)) {
    const { launch, isInstalled, packages } = engines[name];
    const mustSkip = !isInstalled() && !process.env.CI;
    if (mustSkip) console.warn(`SKIPPED ${title} [${name}]: not installed (Debian: apt-get install ${packages})`);
    describe.skipIf(mustSkip)(`${title} [${name}]`, () => {
      let running: Engine | undefined;
      beforeAll(async () => {
        running = await launch();
      });
      afterAll(() => running?.close());
      suite({
        name,
        engine() {
          if (!running) throw new Error('The engine is launched in beforeAll.');
          return running;
        },
      });
    });
  }
}

function chosenEngines(main: boolean): EngineName[] {
  const named = process.env.WAYBILL_ENGINES;
  if (!named) return main ? engineNames : ['chromium'];
  const names = named.split(',');
  for (const name of names)
    if (!Object.hasOwn(engines, name))
      throw new Error(`WAYBILL_ENGINES names ${name}. The engines are ${engineNames.join(', ')}.`);
  return names as EngineName[];
}
