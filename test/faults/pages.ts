/** Opens and reloads the pages of a run, sends files, and applies the faults of the pages and of the server. */
import type { BrowserContext, Page } from 'playwright-core';
import type { Environment } from './environment.ts';
import type { UploadResult, UploadStatus } from './page.ts';
import type { Fault, Scenario } from './scenario.ts';

const dayMs = 86_400_000;

export interface Pages {
  /** The page that uploads. A crashed page is replaced. */
  current(): Page;
  readonly results: UploadResult[];
  readonly secondTabResults: UploadResult[];
  /** Resolves when every file has a result. */
  readonly allEnded: Promise<void>;
  /** Resolves when the second tabs have ended. */
  secondTabsEnded(): Promise<unknown>;
  /** Opens the first page and sends all files. */
  start(): Promise<void>;
  apply(fault: Fault): Promise<void>;
}

export interface PagesOptions {
  context: BrowserContext;
  pageUrl: string;
  scenario: Scenario;
  environment: Environment;
  granted: ReadonlyMap<string, { isOrphaned: boolean }>;
}

export function createPages({ context, pageUrl, scenario, environment, granted }: PagesOptions): Pages {
  const results: UploadResult[] = [];
  const secondTabResults: UploadResult[] = [];
  const secondTabs: Promise<unknown>[] = [];
  let page: Page;
  let resolveAllEnded = () => {};
  const allEnded = new Promise<void>((resolve) => {
    resolveAllEnded = resolve;
  });
  const controlsClock =
    scenario.clockDays !== 0 || scenario.events.some(({ fault }) => 'seconds' in fault && fault.seconds > 0);

  async function open(): Promise<Page> {
    const opened = await context.newPage();
    if (controlsClock) await opened.clock.install({ time: Date.now() + scenario.clockDays * dayMs });
    opened.on('pageerror', (error) => environment.unexpectedErrors.push(`page: ${error}`));
    await load(opened);
    return opened;
  }

  async function load(target: Page): Promise<void> {
    const { endpoint } = environment;
    const { concurrency, seed, files } = scenario;
    await target.goto(pageUrl);
    await target.waitForFunction(() => window.testPage);
    const options = { endpoint, concurrency, random: (seed % 10) / 40 };
    await target.evaluate((given) => window.testPage.open(given), options);
    await target.setInputFiles(
      'input',
      files.map(({ name }) => environment.path(name)),
    );
  }

  function send(): Promise<void> {
    const remaining = scenario.files.filter(({ name }) => !results.some((result) => result.name === name));
    return page.evaluate((plans) => window.testPage.send(plans), remaining);
  }

  /** Marks all uploads so far: the page that began them is closed and cannot abort them any more. */
  function orphanGrants(): void {
    for (const grant of granted.values()) grant.isOrphaned = true;
  }

  /** Leaves the page. Grants that the server makes meanwhile are orphaned as well. */
  async function leave(work: () => Promise<unknown>): Promise<void> {
    orphanGrants();
    await work();
    orphanGrants();
  }

  async function crash(): Promise<void> {
    const crashed = page.waitForEvent('crash');
    page.goto('chrome://crash').catch(() => {});
    await crashed;
    await page.close();
  }

  async function goOffline(seconds: number): Promise<void> {
    await context.setOffline(true);
    const isOffline = (upload: UploadStatus) => upload.waiting === 'offline' || hasEnded(upload);
    await waitForStatuses(page, (statuses) => statuses.every(isOffline), 2000);
    if (seconds > 0) await page.clock.fastForward(seconds * 1000);
    await context.setOffline(false);
  }

  async function apply(fault: Fault): Promise<void> {
    switch (fault.type) {
      case 'offline':
        return goOffline(fault.seconds);
      case 'restart':
        return environment.restart();
      case 'reload':
        await leave(() => load(page));
        return send();
      case 'kill':
        await leave(crash);
        page = await open();
        return send();
      case 'pause':
        await page.evaluate(() => window.testPage.pause());
        await page.evaluate(() => window.testPage.resume());
        return;
      case 'second-tab': {
        const tab = await open();
        // The tab resumes at once, or fails with `upload_conflict` while the first page holds the upload.
        const ended = tab.evaluate(() => window.testPage.resumeAll());
        secondTabs.push(ended.then((list) => secondTabResults.push(...list)));
        return;
      }
      case 'edit': {
        const { size } = scenario.files.find(({ name }) => name === fault.file) ?? { size: 0 };
        if (!fault.afterReload) return environment.write(fault.file, size, fault.sameTime);
        await leave(() => page.goto('about:blank'));
        await environment.write(fault.file, size, fault.sameTime);
        await load(page);
        return send();
      }
      case 'abort':
        return page.evaluate((name) => window.testPage.abort(name), fault.file);
    }
  }

  return {
    current: () => page,
    results,
    secondTabResults,
    allEnded,
    secondTabsEnded: () => Promise.all(secondTabs),
    async start() {
      await context.exposeFunction('reportResult', (result: UploadResult) => {
        results.push(result);
        if (scenario.files.every(({ name }) => results.some((known) => known.name === name))) resolveAllEnded();
      });
      page = await open();
      await send();
    },
    apply,
  };
}

const hasEnded = ({ status }: UploadStatus) => /^(done|failed|aborted)$/.test(status);

/** Waits until the statuses match, or until the time is over: some uploads never reach the status. */
async function waitForStatuses(page: Page, match: (statuses: UploadStatus[]) => boolean, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) if (match(await page.evaluate(() => window.testPage.statuses()))) return;
}
