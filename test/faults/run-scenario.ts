/** Plays a scenario in Chromium. Whatever happens does so when the storage has seen so many requests. */
import { createServer } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import type { Weather, WeatherRequest } from '../../src/devstore/index.ts';
import { bundleScripts, listen, stop } from '../support/client-page.ts';
import type { Outcome } from './check-outcome.ts';
import { checkOutcome } from './check-outcome.ts';
import { type Environment, type EnvironmentOptions, openEnvironment, sha256, stagingPrefix } from './environment.ts';
import type { Ended, Line } from './page.ts';
import type { Event, Happening, Scenario } from './scenario.ts';

/** Of its own origin, and the same for all runs: what a browser remembers goes with its context. */
export async function servePage(): Promise<{ url: string; close(): Promise<void> }> {
  const scripts = await bundleScripts("import { weather } from '../test/faults/page.ts'; window.weather = weather;");
  const html =
    '<!doctype html><title>weather</title><input type="file" multiple><script type="module" src="/page.js"></script>';
  const server = createServer((request, response) => {
    const text = scripts.get(request.url?.slice(1) ?? '');
    response.setHeader('content-type', text === undefined ? 'text/html' : 'text/javascript');
    response.end(text ?? html);
  });
  return { url: await listen(server), close: () => stop(server) };
}

export interface RunOptions extends EnvironmentOptions {
  browser: Browser;
  pageUrl: string;
  /** Milliseconds for all of it; then it is stuck. @default 45_000 */
  deadlineMs?: number;
  /** Milliseconds for what is given back after the page has said that it ended. @default 4000 */
  settleMs?: number;
  /** Weather besides the scenario's. */
  weather?: Weather;
  /** Between the end of the run and the look at the store. */
  afterwards?: (environment: Environment) => Promise<void>;
}

/** What comes while something happens to the page is kept waiting so long, so that it happens in the middle of it. */
const heldMs = 150;
const dayMs = 86_400_000;

export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Outcome> {
  const { browser, pageUrl, deadlineMs = 45_000, settleMs = 4000 } = options;
  const context = await browser.newContext();
  const ended: Ended[] = [];
  const followed: Ended[] = [];
  const followers: Promise<unknown>[] = [];
  const granted = new Map<string, { cut: boolean }>();
  const environment = await openEnvironment(scenario, pageUrl, {
    ...options,
    onGrant: (uploadId) => granted.set(uploadId, { cut: false }),
  });
  const happened: string[] = [];
  const surprises: string[] = environment.surprises;
  let page: Page;
  let acting = 0;
  let last: Promise<void> = Promise.resolve();
  let over = false;
  let allEnded = () => {};
  const whole = new Promise<void>((resolve) => {
    allEnded = resolve;
  });

  const clocked =
    scenario.clockDays !== 0 || scenario.events.some(({ happens }) => 'seconds' in happens && happens.seconds > 0);

  async function openPage(): Promise<Page> {
    const opened = await context.newPage();
    if (clocked) await opened.clock.install({ time: Date.now() + scenario.clockDays * dayMs });
    opened.on('pageerror', (error) => surprises.push(`page: ${error}`));
    await enter(opened);
    return opened;
  }

  async function enter(target: Page): Promise<void> {
    await target.goto(pageUrl);
    await target.waitForFunction(() => window.weather);
    const { endpoint } = environment;
    const random = (scenario.seed % 10) / 40;
    await target.evaluate((given) => window.weather.open(given), {
      endpoint,
      concurrency: scenario.concurrency,
      random,
    });
    await target.setInputFiles(
      'input',
      scenario.files.map(({ name }) => environment.path(name)),
    );
  }

  const send = () => {
    const left = scenario.files.filter(({ name }) => !ended.some((result) => result.name === name));
    return page.evaluate((plans) => window.weather.send(plans), left);
  };

  /** Everything that this page had under way is on its own from now on. */
  const cut = () => {
    for (const grant of granted.values()) grant.cut = true;
  };

  async function reload(): Promise<void> {
    cut();
    await enter(page);
    cut();
  }

  async function act(happens: Happening): Promise<void> {
    switch (happens.what) {
      case 'offline': {
        await context.setOffline(true);
        await until(page, (lines) => lines.every((line) => line.waiting === 'offline' || isOver(line)), 2000);
        if (happens.seconds > 0) await page.clock.fastForward(happens.seconds * 1000);
        await context.setOffline(false);
        return;
      }
      case 'restart':
        return environment.restart();
      case 'reload':
        await reload();
        return send();
      case 'kill': {
        cut();
        const gone = page.waitForEvent('crash');
        page.goto('chrome://crash').catch(() => {});
        await gone;
        await page.close();
        cut();
        page = await openPage();
        return send();
      }
      case 'pause':
        await page.evaluate(() => window.weather.pause());
        await page.evaluate(() => window.weather.resume());
        return;
      case 'second-tab': {
        const tab = await openPage();
        // It waits for nothing: it goes on, or says that another does.
        followers.push(tab.evaluate(() => window.weather.follow()).then((results) => followed.push(...results)));
        return;
      }
      case 'edit': {
        const { size } = scenario.files.find(({ name }) => name === happens.file) ?? { size: 0 };
        if (!happens.afterReload) return environment.write(happens.file, size, happens.sameTime);
        cut();
        await page.goto('about:blank');
        cut();
        await environment.write(happens.file, size, happens.sameTime);
        await enter(page);
        return send();
      }
      case 'abort':
        return page.evaluate((name) => window.weather.abort(name), happens.file);
    }
  }

  function happen({ happens }: Event): void {
    if (over) return;
    happened.push(happens.what);
    if ('requests' in happens) return;
    acting += 1;
    last = last
      .then(() => act(happens))
      .catch((error) => {
        surprises.push(`runner: ${happens.what}: ${error}`);
      })
      .finally(() => {
        acting -= 1;
      });
  }

  let seen = 0;
  const waiting = [...scenario.events];
  const clouds: Weather[] = [];
  for (const event of scenario.events) {
    const { after, happens } = event;
    if (!('requests' in happens)) continue;
    let left = happens.requests;
    const falls = (request: WeatherRequest) => happens.what !== 'expire' || isSending(request);
    clouds.push({ when: (request) => !over && seen > after && falls(request) && left-- > 0, ...weatherOf(happens) });
  }
  environment.store.setWeather([
    {
      when: () => {
        seen += 1;
        while (waiting[0] && seen >= waiting[0].after) happen(waiting.shift() as Event);
        return acting > 0;
      },
      delayMs: heldMs,
    },
    ...clouds,
    ...(options.weather ? [options.weather] : []),
  ]);

  let stuck: string | null = null;
  try {
    await context.exposeFunction('ended', (result: Ended) => {
      ended.push(result);
      if (scenario.files.every(({ name }) => ended.some((known) => known.name === name))) allEnded();
    });
    for (const { name, size } of scenario.files) await environment.write(name, size);
    page = await openPage();
    await send();
    const finished = async () => {
      await whole;
      over = true;
      await last;
      await Promise.all(followers);
    };
    stuck = await within(deadlineMs, finished(), async () =>
      JSON.stringify({ lines: await page.evaluate(() => window.weather.lines()), seen, happened, ended, acting }),
    );
    over = true;
    environment.store.setWeather(undefined);
    await options.afterwards?.(environment);
    const look = async (): Promise<Outcome> => ({
      scenario,
      happened,
      stuck,
      ended: [...ended],
      followed,
      digests: new Map(scenario.files.map(({ name }) => [name, environment.digests(name)])),
      // As they are now: the server goes on while the judge reads.
      announced: [...environment.announced],
      aborted: new Set(environment.aborted),
      granted: new Map(granted),
      ...(await inventory(environment)),
      remembered: stuck ? [] : await page.evaluate(() => window.weather.remembered()),
      surprises: [...surprises],
    });
    const end = performance.now() + settleMs;
    for (;;) {
      const outcome = await look();
      if (stuck || checkOutcome(outcome).length === 0 || performance.now() > end) return outcome;
    }
  } finally {
    over = true;
    environment.store.setWeather(undefined);
    await context.close();
    await environment.close();
  }
}

function weatherOf(happens: Extract<Happening, { requests: number }>): Weather {
  switch (happens.what) {
    case 'drop-request':
      return { dropRequestAfterBytes: happens.bytes };
    case 'drop-answer':
      return { dropResponseAfterBytes: happens.bytes };
    case 'truncate':
      return { truncateResponseTo: happens.bytes };
    case 'slow-down':
      return { slowDown: { retryAfterSeconds: happens.retryAfterSeconds } };
    case 'expire':
      return { expire: true };
  }
}

/** A page's file or part. What the server asks for itself it signs anew each time. */
const isSending = ({ method, key = '', query }: WeatherRequest) =>
  (method === 'POST' && !key && query.length === 0) ||
  (method === 'PUT' && key.startsWith(stagingPrefix) && !key.startsWith(`${stagingPrefix}.waybill/`));

const isOver = ({ status }: Line) => /^(done|failed|aborted)$/.test(status);

/** Until the page shows it, or for so long: not every upload has anything to say of it. */
async function until(page: Page, enough: (lines: Line[]) => boolean, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) if (enough(await page.evaluate(() => window.weather.lines()))) return;
}

/** Null in time; else what `dump` says. */
async function within(ms: number, work: Promise<unknown>, dump: () => Promise<string>): Promise<string | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms);
  });
  const first = await Promise.race([work, late]);
  clearTimeout(timer);
  if (first !== 'late') return null;
  return Promise.race([
    dump().catch(String),
    new Promise<string>((resolve) => setTimeout(resolve, 3000, 'a page that does not answer')),
  ]);
}

/** The store as it is now. */
async function inventory({ storage }: Environment): Promise<Pick<Outcome, 'stored' | 'staged'>> {
  const stored = new Map<string, string>();
  const staged: Outcome['staged'][number][] = [];
  for (let continuationToken: string | undefined; ; ) {
    const listing = await storage.list({ prefix: '', ...(continuationToken && { continuationToken }) });
    for (const { key } of listing.objects) {
      // Records of how uploads ended are for the lifecycle rule.
      if (key.startsWith(`${stagingPrefix}.waybill/`)) {
        if (key.endsWith('.parts')) staged.push({ what: 'sidecar', uploadId: idIn(key) });
      } else if (key.startsWith(stagingPrefix)) staged.push({ what: 'object', uploadId: idIn(key) });
      else {
        const found = await storage.get(key);
        stored.set(key, sha256(new Uint8Array(await new Response(found?.body).arrayBuffer())));
      }
    }
    continuationToken = listing.continuationToken;
    if (!continuationToken) break;
  }
  const { uploads } = await storage.listMultiparts({ prefix: '' });
  for (const { key } of uploads) staged.push({ what: 'multipart', uploadId: idIn(key) });
  return { stored, staged };
}

const idIn = (key: string) => /[0-9a-f]{32}/.exec(key)?.[0] ?? key;
