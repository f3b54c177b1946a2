/**
 * Controls headless Chromium by its DevTools protocol over a pipe. Nothing between the page and the network distorts
 * the measurement, and files are read from the disk. https://chromedevtools.github.io/devtools-protocol/
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium } from '../../scripts/lib/chromium.mjs';

const flags = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-extensions',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--no-first-run',
  '--no-default-browser-check',
  '--remote-debugging-pipe',
];

/** @typedef {Awaited<ReturnType<typeof startBrowser>>} Browser */

export async function startBrowser() {
  const executable = findChromium();
  if (!executable)
    throw new Error('No Chromium: set CHROMIUM_PATH, or install one (Debian: apt-get install chromium).');
  const dir = await mkdtemp(join(tmpdir(), 'waybill-bench-browser-'));
  const child = spawn(executable, [...flags, `--user-data-dir=${dir}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const protocol = createProtocol(child.stdio[3], child.stdio[4], exited);
  const { product } = await protocol.send('Browser.getVersion');
  return {
    version: product,

    /**
     * Opens a page with its own cookies, caches, databases and connections. @param {string} [contextId] an open context
     * to reuse
     */
    async openPage(url, contextId) {
      const { browserContextId } = contextId
        ? { browserContextId: contextId }
        : await protocol.send('Target.createBrowserContext');
      const { targetId } = await protocol.send('Target.createTarget', { url: 'about:blank', browserContextId });
      const { sessionId } = await protocol.send('Target.attachToTarget', { targetId, flatten: true });
      const page = createPage(protocol, sessionId);
      await page.watchWorkers();
      await page.send('Page.enable');
      const loaded = protocol.next(sessionId, 'Page.loadEventFired', 30_000);
      await page.send('Page.navigate', { url });
      await loaded;
      return {
        ...page,
        contextId: browserContextId,
        /** Closes the page without running its handlers, as a killed tab. */
        async kill() {
          await protocol.send('Target.closeTarget', { targetId });
        },
        async close() {
          await protocol.send('Target.disposeBrowserContext', { browserContextId });
        },
      };
    },

    async stop() {
      await Promise.race([protocol.send('Browser.close'), exited]).catch(() => {});
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(timer);
      await rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

function createPage(protocol, sessionId) {
  const send = (method, params, timeoutMs) => protocol.send(method, params, sessionId, timeoutMs);
  const workers = new Set();

  async function evaluate(expression, timeoutMs = 30_000) {
    const { result, exceptionDetails } = await send(
      'Runtime.evaluate',
      { expression, awaitPromise: true, returnByValue: true },
      timeoutMs,
    );
    if (exceptionDetails)
      throw new Error(`In the page: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    return result.value;
  }

  return {
    send,
    evaluate,

    /** @param {readonly string[]} files paths */
    async pick(files) {
      const { result } = await send('Runtime.evaluate', { expression: "document.querySelector('input[type=file]')" });
      await send('DOM.setFileInputFiles', { files: [...files], objectId: result.objectId }, 60_000);
    },

    async watchWorkers() {
      protocol.on(sessionId, 'Target.attachedToTarget', ({ sessionId: worker, targetInfo }) => {
        if (/worker/.test(targetInfo.type)) workers.add(worker);
      });
      protocol.on(sessionId, 'Target.detachedFromTarget', ({ sessionId: worker }) => workers.delete(worker));
      await send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: true });
    },

    /** Bytes of JS objects and array buffers in the page and its workers. */
    async heap() {
      const sessions = [sessionId, ...workers];
      const usages = await Promise.all(
        sessions.map((session) => protocol.send('Runtime.getHeapUsage', {}, session).catch(() => undefined)),
      );
      return usages.reduce((sum, usage) => sum + (usage ? usage.usedSize + (usage.backingStorageSize ?? 0) : 0), 0);
    },
  };
}

/** Messages are JSON, each followed by a zero byte. */
function createProtocol(input, output, exited) {
  const calls = new Map();
  const listeners = new Set();
  let serial = 0;
  let rest = '';
  let over;

  output.setEncoding('utf8').on('data', (text) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop();
    for (const message of messages) receive(JSON.parse(message));
  });
  input.on('error', () => {});
  exited.then(() => {
    over = new Error('Chromium has ended.');
    for (const { reject } of calls.values()) reject(over);
  });

  function receive({ id, result, error, method, params, sessionId }) {
    if (id === undefined) {
      for (const listener of listeners)
        if (listener.method === method && listener.sessionId === sessionId) listener.take(params);
      return;
    }
    const call = calls.get(id);
    calls.delete(id);
    if (error) call?.reject(new Error(`${call.method}: ${error.message}`));
    else call?.resolve(result);
  }

  function limited(promise, timeoutMs, what) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what} took longer than ${timeoutMs / 1000} s.`)), timeoutMs);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  }

  return {
    send(method, params = {}, sessionId = undefined, timeoutMs = 30_000) {
      if (over) return Promise.reject(over);
      const id = ++serial;
      const answered = new Promise((resolve, reject) => calls.set(id, { resolve, reject, method }));
      input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      return limited(answered, timeoutMs, method);
    },
    on(sessionId, method, take) {
      listeners.add({ sessionId, method, take });
    },
    next(sessionId, method, timeoutMs) {
      let listener;
      const happened = new Promise((resolve) => {
        listener = { sessionId, method, take: resolve };
        listeners.add(listener);
      });
      return limited(happened, timeoutMs, method).finally(() => listeners.delete(listener));
    },
  };
}
