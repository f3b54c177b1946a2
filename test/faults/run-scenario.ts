/** Runs a scenario in Chromium. Faults are injected when the storage has received a given number of requests. */
import { createServer } from 'node:http';
import type { Browser } from 'playwright-core';
import type { StoreFault, StoreFaultRequest } from '../../src/devstore/index.ts';
import { bundleScripts, listen, stop } from '../support/client-page.ts';
import type { Outcome } from './check-outcome.ts';
import { checkOutcome } from './check-outcome.ts';
import { type Environment, type EnvironmentOptions, openEnvironment, sha256, stagingPrefix } from './environment.ts';
import { createPages, type Pages } from './pages.ts';
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

export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Outcome> {
  const { browser, pageUrl, deadlineMs = 45_000, cleanupMs = 4000 } = options;
  const context = await browser.newContext();
  const granted = new Map<string, { isOrphaned: boolean }>();
  const environment = await openEnvironment(scenario, pageUrl, {
    ...options,
    onGrant: (uploadId) => granted.set(uploadId, { isOrphaned: false }),
  });
  const pages = createPages({ context, pageUrl, scenario, environment, granted });
  const injection = injectFaults(scenario, environment, pages, options.faults);
  let stuck: string | null = null;

  async function readOutcome(): Promise<Outcome> {
    return {
      scenario,
      injected: injection.injected,
      stuck,
      results: [...pages.results],
      secondTabResults: pages.secondTabResults,
      digests: new Map(scenario.files.map(({ name }) => [name, environment.digests(name)])),
      // Copies, because the server continues while the outcome is checked.
      announced: [...environment.announced],
      aborted: new Set(environment.aborted),
      granted: new Map(granted),
      ...(await readStore(environment)),
      resumeEntries: stuck ? [] : await pages.current().evaluate(() => window.testPage.resumeEntries()),
      unexpectedErrors: [...environment.unexpectedErrors],
    };
  }

  try {
    for (const { name, size } of scenario.files) await environment.write(name, size);
    await pages.start();
    const finished = pages.allEnded.then(injection.stop).then(pages.secondTabsEnded);
    stuck = await describeIfLate(deadlineMs, finished, async () => {
      const statuses = await pages.current().evaluate(() => window.testPage.statuses());
      return JSON.stringify({ statuses, results: pages.results, ...injection.describe() });
    });
    void injection.stop();
    environment.store.setFaults(undefined);
    await options.afterwards?.(environment);
    const end = performance.now() + cleanupMs;
    for (;;) {
      const outcome = await readOutcome();
      if (stuck || checkOutcome(outcome).length === 0 || performance.now() > end) return outcome;
    }
  } finally {
    void injection.stop();
    environment.store.setFaults(undefined);
    await context.close();
    await environment.close();
  }
}

interface FaultInjection {
  /** Types of the faults that were injected. */
  readonly injected: string[];
  /** Injects no more faults. Resolves when those that hit a page have been applied. */
  stop(): Promise<void>;
  describe(): object;
}

/** Sets the store's faults, and applies the others when the store has received the given number of requests. */
function injectFaults(
  scenario: Scenario,
  { store, unexpectedErrors }: Environment,
  pages: Pages,
  more: StoreFault | undefined,
): FaultInjection {
  const injected: string[] = [];
  let received = 0;
  let activeFaults = 0;
  let faultQueue: Promise<void> = Promise.resolve();
  let isStopped = false;

  function inject({ fault }: FaultEvent): void {
    if (isStopped) return;
    injected.push(fault.type);
    if ('requests' in fault) return;
    activeFaults += 1;
    faultQueue = faultQueue
      .then(() => pages.apply(fault))
      .catch((error) => {
        unexpectedErrors.push(`runner: ${fault.type}: ${error}`);
      })
      .finally(() => {
        activeFaults -= 1;
      });
  }

  const waiting = [...scenario.events];
  const requestFaults: StoreFault[] = [];
  for (const { afterRequests, fault } of scenario.events) {
    if (!('requests' in fault)) continue;
    let left = fault.requests;
    const applies = (request: StoreFaultRequest) => fault.type !== 'expire' || isFileOrPart(request);
    requestFaults.push({
      when: (request) => !isStopped && received > afterRequests && applies(request) && left-- > 0,
      ...toStoreFault(fault),
    });
  }
  store.setFaults([
    {
      when: () => {
        received += 1;
        while (waiting[0] && received >= waiting[0].afterRequests) inject(waiting.shift() as FaultEvent);
        return activeFaults > 0;
      },
      delayMs: heldMs,
    },
    ...requestFaults,
    ...(more ? [more] : []),
  ]);

  return {
    injected,
    stop() {
      isStopped = true;
      return faultQueue;
    },
    describe: () => ({ received, injected, activeFaults }),
  };
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
