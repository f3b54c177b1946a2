/**
 * Fault injection: the client in Chromium, the server and the store meet seeded faults. A run that fails prints its
 * scenario. To repeat it:
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

describeBrowser('fault injection', (browser) => {
  let page: Awaited<ReturnType<typeof servePage>>;
  beforeAll(async () => {
    page = await servePage();
  });
  afterAll(() => page?.close());

  for (let seed = first; seed < first + runs; seed++)
    it(`every upload of seed ${seed} ends as it must`, async () => {
      const scenario = makeScenario(seed);
      const outcome = await runScenario(scenario, { browser: browser(), pageUrl: page.url });
      const { results, injected } = outcome;
      expect(checkOutcome(outcome), JSON.stringify({ scenario, injected, results })).toEqual([]);
    });

  const withoutFaults: Scenario = {
    seed: 0,
    files: [{ name: 'file-0.txt', size: 1000, kind: 'file', route: 'files' }],
    concurrency: 3,
    smallTransfer: 'form',
    clockDays: 0,
    events: [],
  };

  it('checkOutcome() reports other bytes, missing announcements, leftovers in staging and stuck runs', async () => {
    const given = { browser: browser(), pageUrl: page.url, cleanupMs: 0 };
    expect(checkOutcome(await runScenario(withoutFaults, given))).toEqual([]);
    const edited = await runScenario(withoutFaults, {
      ...given,
      async afterwards({ storage, announced }) {
        const key = announced[0]?.key ?? '';
        await storage.delete(key);
        await storage.put({ key, body: 'other bytes', contentType: 'text/plain' });
      },
    });
    expect(checkOutcome(edited)).toEqual(['file-0.txt: other bytes are stored']);
    const unannounced = checkOutcome(await runScenario(withoutFaults, { ...given, dropAnnouncements: true }));
    expect(unannounced).toContain('file-0.txt: done but never announced');
    const left = await runScenario(withoutFaults, {
      ...given,
      async afterwards({ storage, announced }) {
        const key = `incoming/${announced[0]?.uploadId}`;
        await storage.put({ key, body: 'staged', contentType: 'text/plain' });
      },
    });
    expect(checkOutcome(left)).toEqual([expect.stringContaining('left in staging: object')]);
    const held = { when: ({ method }: { method: string }) => method === 'POST', delayMs: 600_000 };
    const stuck = checkOutcome(await runScenario(withoutFaults, { ...given, faults: held, deadlineMs: 2000 }));
    expect(stuck.join()).toMatch(/stuck: .*uploading.*never ended/);
  });
});
