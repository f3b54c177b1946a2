/**
 * WebKit: WebKitGTK's MiniBrowser, driven by WebKitWebDriver over HTTP (https://www.w3.org/TR/webdriver2/). It has no
 * headless mode, so it draws on a virtual display (Xvfb).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { findWebkitDriver, findXvfb } from '../../../scripts/lib/engines.mjs';
import { endChildren } from '../children.ts';
import { createPage, type Engine, type EnginePage, viewport } from './engine.ts';

/** WebDriver's name for the reference of an element. */
const elementKey = 'element-6066-11e4-a52e-4f735466cecf';

type Call = <Result>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown) => Promise<Result>;

export async function launchWebkitEngine(): Promise<Engine> {
  const children: ChildProcess[] = [];
  const stop = () => endChildren(children, 'SIGTERM');
  try {
    const display = await startDisplay(children);
    const driver = await startDriver(children, display);
    const { sessionId, capabilities } = await driver<{ sessionId: string; capabilities: { browserVersion: string } }>(
      'POST',
      '/session',
      // A page that asks before it is left must not block the suite: the question is answered with "leave".
      { capabilities: { alwaysMatch: { unhandledPromptBehavior: 'accept' } } },
    );
    const call: Call = (method, path, body) => driver(method, `/session/${sessionId}${path}`, body);
    // No call ends because of a slow machine: the time limit is that of the test.
    await call('POST', '/timeouts', { script: null, pageLoad: 3_600_000 });
    const firstHandle = await call<string>('GET', '/window');
    return {
      name: 'webkit',
      version: `WebKitGTK ${capabilities.browserVersion}`,
      open: createOpen(call, firstHandle),
      async close() {
        await call('DELETE', '').finally(stop);
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * A session talks to one window at a time, so calls for different windows wait for each other.
 * @param firstHandle a window that stays open, because a new one is opened from an open one
 */
function createOpen(call: Call, firstHandle: string): Engine['open'] {
  let last: Promise<unknown> = Promise.resolve();
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  }
  return async (url) => {
    const { handle } = await inTurn(async () => {
      await call('POST', '/window', { handle: firstHandle });
      // A window, because only the front tab of a window is drawn, and WebDriver cannot choose which one that is.
      return call<{ handle: string }>('POST', '/window/new', { type: 'window' });
    });
    const inWindow: Call = (method, path, body) =>
      inTurn(async () => {
        await call('POST', '/window', { handle });
        return call(method, path, body);
      });
    await fitViewport(inWindow);
    const page = createWindowPage(inWindow);
    await page.goto(url);
    return page;
  };
}

/** Makes the window as large as it must be with its toolbar. */
async function fitViewport(call: Call): Promise<void> {
  const resize = (width: number, height: number) => call('POST', '/window/rect', { x: 0, y: 0, width, height });
  await resize(viewport.width, viewport.height);
  const script = 'return [innerWidth, innerHeight]';
  const [width, height] = await call<[number, number]>('POST', '/execute/sync', { script, args: [] });
  await resize(2 * viewport.width - width, 2 * viewport.height - height);
}

function createWindowPage(call: Call): EnginePage {
  async function find(selector: string): Promise<string> {
    const found = await call<Record<string, string>>('POST', '/element', { using: 'css selector', value: selector });
    return found[elementKey] as string;
  }
  return createPage({
    async run(expression) {
      const script = `const done = arguments[0];
        (${expression}).then((text) => done({ text }), (error) => done({ error: \`\${error}\\n\${error?.stack}\` }));`;
      const result = await call<{ text?: string; error?: string }>('POST', '/execute/async', { script, args: [] });
      if (result.text === undefined) throw new Error(`In the page: ${result.error}`);
      return result.text;
    },
    async setFiles(selector, ...paths) {
      await call('POST', `/element/${await find(selector)}/value`, { text: paths.join('\n') });
    },
    async click(selector) {
      await call('POST', `/element/${await find(selector)}/click`, {});
    },
    goto: (url) => call('POST', '/url', { url }),
    reload: () => call('POST', '/refresh', {}),
    screenshot: async () => Buffer.from(await call<string>('GET', '/screenshot'), 'base64'),
    close: () => call('DELETE', '/window'),
  });
}

/** Starts Xvfb, which chooses a free display and writes its number to a pipe. */
async function startDisplay(children: ChildProcess[]): Promise<string> {
  const xvfb = findXvfb();
  if (!xvfb) throw new Error('No Xvfb was found (Debian: apt-get install xvfb).');
  const child = spawn(xvfb, ['-displayfd', '3', '-screen', '0', '1600x1200x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  children.push(child);
  endWithThisProcess(child);
  const [number] = await Promise.race([
    once(child.stdio[3] as NodeJS.ReadableStream, 'data'),
    once(child, 'exit').then(() => {
      throw new Error('Xvfb ended before its display was ready.');
    }),
  ]);
  return `:${String(number).trim()}`;
}

/** Starts WebKitWebDriver on a free port, and again on another one when a process took the port in between. */
async function startDriver(children: ChildProcess[], display: string): Promise<Call> {
  const driver = findWebkitDriver();
  if (!driver) throw new Error('No WebKitWebDriver was found (Debian: apt-get install webkit2gtk-driver).');
  for (let attempt = 1; ; attempt++) {
    const port = await findFreePort();
    const child = spawn(driver, [`--port=${port}`, '--host=127.0.0.1'], {
      env: { ...process.env, DISPLAY: display },
      stdio: 'ignore',
    });
    children.push(child);
    endWithThisProcess(child);
    const call = createCall(`http://127.0.0.1:${port}`);
    while (child.exitCode === null) {
      const isReady = await call('GET', '/status').then(
        () => true,
        () => false,
      );
      if (isReady) return call;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (attempt === 3) throw new Error('WebKitWebDriver did not start.');
  }
}

function createCall(base: string): Call {
  return async (method, path, body) => {
    const answer = await fetch(base + path, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const { value } = (await answer.json()) as { value: never };
    if (!answer.ok) throw new Error(`WebDriver ${method} ${path}: ${JSON.stringify(value)}`);
    return value;
  };
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Vitest may end a worker without running its hooks. */
function endWithThisProcess(child: ChildProcess): void {
  const kill = () => child.kill();
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
}
