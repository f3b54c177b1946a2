/**
 * Seeded weather over the client in Chromium, the server and the store. A run that fails prints its scenario; again:
 *
 *     WAYBILL_WEATHER_SEED=17 WAYBILL_WEATHER_RUNS=1 npx vitest run test/weather
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeBrowser } from '../support/chromium.ts';
import { judge } from './judge.ts';
import { play, servePage } from './play.ts';
import { makeScenario, type Scenario } from './scenario.ts';

const runs = Number(process.env.WAYBILL_WEATHER_RUNS ?? 12);
const first = Number(process.env.WAYBILL_WEATHER_SEED ?? 1);

describeBrowser('weather', (browser) => {
  let page: Awaited<ReturnType<typeof servePage>>;
  beforeAll(async () => {
    page = await servePage();
  });
  afterAll(() => page?.close());

  for (let seed = first; seed < first + runs; seed++)
    it(`seed ${seed}`, async () => {
      const scenario = makeScenario(seed);
      const outcome = await play(scenario, { browser: browser(), pageUrl: page.url });
      const { ended, happened } = outcome;
      expect(judge(outcome), JSON.stringify({ scenario, happened, ended })).toEqual([]);
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
    expect(judge(await play(calm, given))).toEqual([]);
    const edited = await play(calm, {
      ...given,
      async afterwards({ storage, announced }) {
        const key = announced[0]?.key ?? '';
        await storage.delete(key);
        await storage.put({ key, body: 'other bytes', contentType: 'text/plain' });
      },
    });
    expect(judge(edited)).toEqual(['file-0.txt: other bytes are stored']);
    const unannounced = judge(await play(calm, { ...given, forgetAnnouncements: true }));
    expect(unannounced).toContain('file-0.txt: done, and never announced');
    const left = await play(calm, {
      ...given,
      async afterwards({ storage, announced }) {
        const key = `incoming/${announced[0]?.uploadId}`;
        await storage.put({ key, body: 'staged', contentType: 'text/plain' });
      },
    });
    expect(judge(left)).toEqual([expect.stringContaining('left behind: object')]);
    const held = { when: ({ method }: { method: string }) => method === 'POST', delayMs: 600_000 };
    const stuck = judge(await play(calm, { ...given, weather: held, deadlineMs: 2000 }));
    expect(stuck.join()).toMatch(/stuck: .*uploading.*never ended/);
  });
});
