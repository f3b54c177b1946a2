/** Runs a scenario in Chromium. Faults are injected when the storage has received a given number of requests. */
import { createServer } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import type { StoreFault, StoreFaultRequest } from '../../src/devstore/index.ts';
import { bundleScripts, listen, stop } from '../support/client-page.ts';
import type { Outcome } from './check-outcome.ts';
import { checkOutcome } from './check-outcome.ts';
import { type Environment, type EnvironmentOptions, openEnvironment, sha256, stagingPrefix } from './environment.ts';
import type { UploadResult, UploadStatus } from './page.ts';
import type { Fault, FaultEvent, Scenario } from './scenario.ts';

/**
 * Serves the test page on an origin of its own, for all runs. Each run has its own browser context, so no state is
 * shared.
 */
export async function servePage(): Promise<{ url: string; close(): Promise<void> }> {
  const scripts = await bundleScripts("import { testPage } from '../test/faults/page.ts'; window.testPage = testPage;");
  const html =
    '<!doctype html><title>faults</title><input type="file" multiple><script type="module" src="/page.js"></script>';
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
  /** Milliseconds after which the run counts as stuck. @default 45_000 */
  deadlineMs?: number;
  /** Milliseconds that the server has to finish its aborts after the page has reported all results. @default 4000 */
  cleanupMs?: number;
  /** Faults in addition to the scenario's. */
  faults?: StoreFault;
  /** Runs after the last upload has ended, before the store is read. */
  afterwards?: (environment: Environment) => Promise<void>;
}

/** Requests that arrive while a fault is applied to the page wait this long, so that the fault interrupts them. */
const heldMs = 150;
const dayMs = 86_400_000;

export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Outcome> {
  const { browser, pageUrl, deadlineMs = 45_000, cleanupMs = 4000 } = options;
  const context = await browser.newContext();
  const results: UploadResult[] = [];
  const secondTabResults: UploadResult[] = [];
  const secondTabs: Promise<unknown>[] = [];
  const granted = new Map<string, { isOrphaned: boolean }>();
  const environment = await openEnvironment(scenario, pageUrl, {
    ...options,
    onGrant: (uploadId) => granted.set(uploadId, { isOrphaned: false }),
  });
  const injected: string[] = [];
  const unexpectedErrors: string[] = environment.unexpectedErrors;
  let page: Page;
  let activeFaults = 0;
  let faultQueue: Promise<void> = Promise.resolve();
  let runEnded = false;
  let resolveAllEnded = () => {};
  const allEnded = new Promise<void>((resolve) => {
    resolveAllEnded = resolve;
  });

  const controlsClock =
    scenario.clockDays !== 0 || scenario.events.some(({ fault }) => 'seconds' in fault && fault.seconds > 0);

  async function openPage(): Promise<Page> {
    const opened = await context.newPage();
    if (controlsClock) await opened.clock.install({ time: Date.now() + scenario.clockDays * dayMs });
    opened.on('pageerror', (error) => unexpectedErrors.push(`page: ${error}`));
    await loadPage(opened);
    return opened;
  }

  async function loadPage(target: Page): Promise<void> {
    await target.goto(pageUrl);
    await target.waitForFunction(() => window.testPage);
    const { endpoint } = environment;
    const random = (scenario.seed % 10) / 40;
    await target.evaluate((given) => window.testPage.open(given), {
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
    const left = scenario.files.filter(({ name }) => !results.some((result) => result.name === name));
    return page.evaluate((plans) => window.testPage.send(plans), left);
  };

  /** Marks all uploads so far: the page that began them is closed and cannot abort them any more. */
  const orphanGrants = () => {
    for (const grant of granted.values()) grant.isOrphaned = true;
  };

  async function reload(): Promise<void> {
    orphanGrants();
    await loadPage(page);
    orphanGrants();
  }

  async function applyToPage(fault: Fault): Promise<void> {
    switch (fault.type) {
      case 'offline': {
        await context.setOffline(true);
        await waitForStatuses(
          page,
          (statuses) => statuses.every((upload) => upload.waiting === 'offline' || hasEnded(upload)),
          2000,
        );
        if (fault.seconds > 0) await page.clock.fastForward(fault.seconds * 1000);
        await context.setOffline(false);
        return;
      }
      case 'restart':
        return environment.restart();
      case 'reload':
        await reload();
        return send();
      case 'kill': {
        orphanGrants();
        const gone = page.waitForEvent('crash');
        page.goto('chrome://crash').catch(() => {});
        await gone;
        await page.close();
        orphanGrants();
        page = await openPage();
        return send();
      }
      case 'pause':
        await page.evaluate(() => window.testPage.pause());
        await page.evaluate(() => window.testPage.resume());
        return;
      case 'second-tab': {
        const tab = await openPage();
        // The tab resumes at once, or fails with `upload_conflict` while the first page holds the upload.
        secondTabs.push(
          tab.evaluate(() => window.testPage.resumeAll()).then((ended) => secondTabResults.push(...ended)),
        );
        return;
      }
      case 'edit': {
        const { size } = scenario.files.find(({ name }) => name === fault.file) ?? { size: 0 };
        if (!fault.afterReload) return environment.write(fault.file, size, fault.sameTime);
        orphanGrants();
        await page.goto('about:blank');
        orphanGrants();
        await environment.write(fault.file, size, fault.sameTime);
        await loadPage(page);
        return send();
      }
      case 'abort':
        return page.evaluate((name) => window.testPage.abort(name), fault.file);
    }
  }

  function inject({ fault }: FaultEvent): void {
    if (runEnded) return;
    injected.push(fault.type);
    if ('requests' in fault) return;
    activeFaults += 1;
    faultQueue = faultQueue
      .then(() => applyToPage(fault))
      .catch((error) => {
        unexpectedErrors.push(`runner: ${fault.type}: ${error}`);
      })
      .finally(() => {
        activeFaults -= 1;
      });
  }

  let received = 0;
  const waiting = [...scenario.events];
  const requestFaults: StoreFault[] = [];
  for (const { afterRequests, fault } of scenario.events) {
    if (!('requests' in fault)) continue;
    let left = fault.requests;
    const applies = (request: StoreFaultRequest) => fault.type !== 'expire' || isFileOrPart(request);
    requestFaults.push({
      when: (request) => !runEnded && received > afterRequests && applies(request) && left-- > 0,
      ...toStoreFault(fault),
    });
  }
  environment.store.setFaults([
    {
      when: () => {
        received += 1;
        while (waiting[0] && received >= waiting[0].afterRequests) inject(waiting.shift() as FaultEvent);
        return activeFaults > 0;
      },
      delayMs: heldMs,
    },
    ...requestFaults,
    ...(options.faults ? [options.faults] : []),
  ]);

  let stuck: string | null = null;
  try {
    await context.exposeFunction('reportResult', (result: UploadResult) => {
      results.push(result);
      if (scenario.files.every(({ name }) => results.some((known) => known.name === name))) resolveAllEnded();
    });
    for (const { name, size } of scenario.files) await environment.write(name, size);
    page = await openPage();
    await send();
    const finished = async () => {
      await allEnded;
      runEnded = true;
      await faultQueue;
      await Promise.all(secondTabs);
    };
    stuck = await describeIfLate(deadlineMs, finished(), async () => {
      const statuses = await page.evaluate(() => window.testPage.statuses());
      return JSON.stringify({ statuses, received, injected, results, activeFaults });
    });
    runEnded = true;
    environment.store.setFaults(undefined);
    await options.afterwards?.(environment);
    const readOutcome = async (): Promise<Outcome> => ({
      scenario,
      injected,
      stuck,
      results: [...results],
      secondTabResults,
      digests: new Map(scenario.files.map(({ name }) => [name, environment.digests(name)])),
      // Copies, because the server continues while the outcome is checked.
      announced: [...environment.announced],
      aborted: new Set(environment.aborted),
      granted: new Map(granted),
      ...(await readStore(environment)),
      resumeEntries: stuck ? [] : await page.evaluate(() => window.testPage.resumeEntries()),
      unexpectedErrors: [...unexpectedErrors],
    });
    const end = performance.now() + cleanupMs;
    for (;;) {
      const outcome = await readOutcome();
      if (stuck || checkOutcome(outcome).length === 0 || performance.now() > end) return outcome;
    }
  } finally {
    runEnded = true;
    environment.store.setFaults(undefined);
    await context.close();
    await environment.close();
  }
}

function toStoreFault(fault: Extract<Fault, { requests: number }>): StoreFault {
  switch (fault.type) {
    case 'drop-request':
      return { dropRequestAfterBytes: fault.bytes };
    case 'drop-answer':
      return { dropResponseAfterBytes: fault.bytes };
    case 'truncate':
      return { truncateResponseTo: fault.bytes };
    case 'slow-down':
      return { slowDown: { retryAfterSeconds: fault.retryAfterSeconds } };
    case 'expire':
      return { expire: true };
  }
}

/**
 * Whether the request carries a file or a part of it. An expired request of the server itself is signed again at once.
 */
const isFileOrPart = ({ method, key = '', query }: StoreFaultRequest) =>
  (method === 'POST' && !key && query.length === 0) ||
  (method === 'PUT' && key.startsWith(stagingPrefix) && !key.startsWith(`${stagingPrefix}.waybill/`));

const hasEnded = ({ status }: UploadStatus) => /^(done|failed|aborted)$/.test(status);

/** Waits until the statuses match, or until the time is over: some uploads never reach the status. */
async function waitForStatuses(page: Page, match: (statuses: UploadStatus[]) => boolean, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) if (match(await page.evaluate(() => window.testPage.statuses()))) return;
}

/** Returns null when `work` ends in time, else the description by `dump`. */
async function describeIfLate(ms: number, work: Promise<unknown>, dump: () => Promise<string>): Promise<string | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms);
  });
  const first = await Promise.race([work, late]);
  clearTimeout(timer);
  if (first !== 'late') return null;
  return Promise.race([
    dump().catch(String),
    new Promise<string>((resolve) => setTimeout(resolve, 3000, 'the page does not answer')),
  ]);
}

async function readStore({ storage }: Environment): Promise<Pick<Outcome, 'stored' | 'staged'>> {
  const stored = new Map<string, string>();
  const staged: Outcome['staged'][number][] = [];
  for (let continuationToken: string | undefined; ; ) {
    const listing = await storage.list({ prefix: '', ...(continuationToken && { continuationToken }) });
    for (const { key } of listing.objects) {
      // Markers of ended uploads stay until the lifecycle rule removes them.
      if (key.startsWith(`${stagingPrefix}.waybill/`)) {
        if (key.endsWith('.parts')) staged.push({ type: 'sidecar', uploadId: idIn(key) });
      } else if (key.startsWith(stagingPrefix)) staged.push({ type: 'object', uploadId: idIn(key) });
      else {
        const found = await storage.get(key);
        stored.set(key, sha256(new Uint8Array(await new Response(found?.body).arrayBuffer())));
      }
    }
    continuationToken = listing.continuationToken;
    if (!continuationToken) break;
  }
  const { uploads } = await storage.listMultiparts({ prefix: '' });
  for (const { key } of uploads) staged.push({ type: 'multipart', uploadId: idIn(key) });
  return { stored, staged };
}

const idIn = (key: string) => /[0-9a-f]{32}/.exec(key)?.[0] ?? key;
