/**
 * Seeded weather over the client in Chromium, the server and the store. A run that fails prints its scenario; again:
 *
 *     WAYBILL_FAULT_SEED=17 WAYBILL_FAULT_RUNS=1 npx vitest run test/faults
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeBrowser } from '../support/chromium.ts';
import { checkOutcome } from './check-outcome.ts';
import { runScenario, servePage } from './run-scenario.ts';
import { makeScenario, type Scenario } from './scenario.ts';

const runs = Number(process.env.WAYBILL_FAULT_RUNS ?? 12);
const first = Number(process.env.WAYBILL_FAULT_SEED ?? 1);

describeBrowser('weather', (browser) => {
  let page: Awaited<ReturnType<typeof servePage>>;
  beforeAll(async () => {
    page = await servePage();
  });
  afterAll(() => page?.close());

  for (let seed = first; seed < first + runs; seed++)
    it(`seed ${seed}`, async () => {
      const scenario = makeScenario(seed);
      const outcome = await runScenario(scenario, { browser: browser(), pageUrl: page.url });
      const { ended, happened } = outcome;
      expect(checkOutcome(outcome), JSON.stringify({ scenario, happened, ended })).toEqual([]);
    });

  const calm: Scenario = {
    seed: 0,
    files: [{ name: 'file-0.txt', size: 1000, kind: 'file', route: 'files' }],
    concurrency: 3,
    small: 'form',
    clockDays: 0,
    events: [],
  };

  it('the judge sees other bytes, missing announcements, what was left behind, and what never ends', async () => {
    const given = { browser: browser(), pageUrl: page.url, settleMs: 0 };
    expect(checkOutcome(await runScenario(calm, given))).toEqual([]);
    const edited = await runScenario(calm, {
      ...given,
      async afterwards({ storage, announced }) {
        const key = announced[0]?.key ?? '';
        await storage.delete(key);
        await storage.put({ key, body: 'other bytes', contentType: 'text/plain' });
      },
    });
    expect(checkOutcome(edited)).toEqual(['file-0.txt: other bytes are stored']);
    const unannounced = checkOutcome(await runScenario(calm, { ...given, forgetAnnouncements: true }));
    expect(unannounced).toContain('file-0.txt: done, and never announced');
    const left = await runScenario(calm, {
      ...given,
      async afterwards({ storage, announced }) {
        const key = `incoming/${announced[0]?.uploadId}`;
        await storage.put({ key, body: 'staged', contentType: 'text/plain' });
      },
    });
    expect(checkOutcome(left)).toEqual([expect.stringContaining('left behind: object')]);
    const held = { when: ({ method }: { method: string }) => method === 'POST', delayMs: 600_000 };
    const stuck = checkOutcome(await runScenario(calm, { ...given, weather: held, deadlineMs: 2000 }));
    expect(stuck.join()).toMatch(/stuck: .*uploading.*never ended/);
  });
});
