/** The hooks in StrictMode, which mounts each component twice: files are sent once, and no listener is left. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeBrowser } from '../support/chromium.ts';

/** The page has a transport that counts its requests, and that answers a PUT when the test says so. */
const app = `
import { createElement as h, StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { createClient } from './client/index.ts';
import { useRoute, useUpload, useUploads } from './react/index.ts';

const calls = [];
let held = [];
const request = { method: 'PUT', url: 'https://store.example/k', headers: {} };
const granted = { uploadId: 'u', transfer: 'put', expiresInSeconds: 99, request };
const answers = {
  GET: () => ({
    limits: { contentTypes: ['text/plain'], minBytes: 1, maxBytes: 99, maxFiles: 9 },
    checksum: null,
    transfers: ['put'],
  }),
  PUT: () => ({}),
  POST: ({ files, grants }) =>
    files
      ? { uploads: files.map((_, i) => ({ ...granted, grant: 'g' + calls.length + i })) }
      : { results: grants.map((grant) => ({ file: { key: grant, url: '/' + grant }, data: 1 })) },
};
const transport = {
  send: (request) => new Promise((resolve, reject) => {
    calls.push(request.method + ' ' + request.url);
    const json = JSON.parse(request.body ?? '{}');
    const text = JSON.stringify(answers[request.method](json));
    const answer = () => resolve({ status: 200, text, header: () => null });
    request.signal.addEventListener('abort', () => reject(new Error('aborted')));
    if (request.method === 'PUT') held.push(answer); else setTimeout(answer);
  }),
};
const client = createClient({ endpoint: '/uploads', transport });
const picked = new File(['hello'], 'a.txt', { type: 'text/plain' });
const otherFile = () => new File(['other'], 'b.txt', { type: 'text/plain' });

/** Counts the listeners. */
let listeners = 0;
const counted = { ...client, upload: (...given) => {
  const upload = client.upload(...given);
  const subscribe = upload.subscribe;
  return Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(upload), subscribe: { value: (fn) => {
    listeners++;
    const stop = subscribe(fn);
    return () => { listeners--; stop(); };
  } } });
} };

function One({ abortOnUnmount }) {
  const { start, upload, abort, retry, reset } = useUpload(counted, 'files', { abortOnUnmount });
  const { accept } = useRoute(client, 'files');
  return h('div', {},
    h('input', { type: 'file', accept, onChange: (event) => start(event.target.files[0]) }),
    h('output', {}, upload ? upload.status : 'idle'),
    h('p', { role: 'alert' }, upload?.error ? upload.error.message + ' ' + upload.error.retryable : ''),
    h('button', { onClick: () => { start(picked); start(picked); } }, 'twice'),
    h('button', { onClick: () => { start(picked); start(otherFile()); } }, 'other'),
    h('button', { onClick: () => start(undefined) }, 'none'),
    h('button', { onClick: abort }, 'abort'),
    h('button', { onClick: retry }, 'retry'),
    h('button', { onClick: reset }, 'reset'));
}
function Many() {
  const { start, uploads, remove } = useUploads(client, 'files');
  return h('div', {},
    h('input', { type: 'file', multiple: true, onChange: (event) => start(event.target.files) }),
    h('ul', {}, uploads.map(({ id, status, fileName }) =>
      h('li', { key: id, onClick: () => remove(id) }, fileName + ' ' + status))));
}
function App() {
  const [shown, show] = useState('one');
  const release = () => held.splice(0).forEach((answer) => answer());
  Object.assign(window, { show, calls, listeners: () => listeners, release });
  if (shown === 'one') return h(One);
  if (shown === 'aborting') return h(One, { abortOnUnmount: true });
  return shown === 'many' ? h(Many) : null;
}
createRoot(document.body.appendChild(document.createElement('main'))).render(h(StrictMode, {}, h(App)));
`;

declare global {
  interface Window {
    show: (what: string) => void;
    calls: string[];
    listeners: () => number;
    release: () => void;
  }
}

describeBrowser('the React hooks in StrictMode', (browser) => {
  let page: Page;
  let script: string;
  const complaints: string[] = [];
  const file = (name = 'a.txt') => ({ name, mimeType: 'text/plain', buffer: Buffer.from('hello') });

  beforeAll(async () => {
    const { outputFiles } = await build({
      stdin: { contents: app, resolveDir: fileURLToPath(new URL('../../src/', import.meta.url)), loader: 'js' },
      bundle: true,
      format: 'esm',
      conditions: ['@waybill/source'],
      // StrictMode mounts twice only in the development build.
      define: { 'process.env.NODE_ENV': '"development"' },
      write: false,
    });
    script = outputFiles[0]?.text ?? '';
  });

  beforeEach(async () => {
    complaints.length = 0;
    page = await browser().newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.setContent('<!doctype html><title>react</title>');
    await page.addScriptTag({ content: script, type: 'module' });
    await page.waitForSelector('input');
  });

  afterEach(async () => {
    await page.close();
    expect(complaints).toEqual([]);
  });

  const status = (text: string) =>
    page.waitForFunction((wanted) => document.querySelector('output')?.textContent === wanted, text);
  const calls = (what: string) =>
    page.evaluate((wanted) => window.calls.filter((call) => call.includes(wanted)).length, what);

  it('useUpload() sends a file once and follows it, and useRoute() gives `accept`', async () => {
    await page.waitForSelector('input[accept="text/plain"]');
    await page.setInputFiles('input', file());
    await status('uploading');
    await page.evaluate(() => window.release());
    await status('done');
    expect(await calls('PUT')).toBe(1);
    expect(await calls('/routes/')).toBe(1);
    await page.click('text=reset');
    await status('idle');
    expect(await page.evaluate(() => window.listeners())).toBe(0);
  });

  it('start() of a running file sends it once, and again after it has ended', async () => {
    await page.click('text=twice');
    await status('uploading');
    await page.evaluate(() => window.release());
    await status('done');
    expect(await calls('PUT')).toBe(1);
    expect(await calls('/complete')).toBe(1);
    await page.click('text=twice');
    await status('uploading');
    await page.evaluate(() => window.release());
    await status('done');
    expect(await calls('PUT')).toBe(2);
  });

  it('start() of another file aborts the running upload', async () => {
    await page.click('text=other');
    await status('uploading');
    await page.evaluate(() => window.release());
    await status('done');
    expect(await calls('PUT')).toBe(1);
  });

  it('a refused file has an error that is not retryable, and reset() removes it', async () => {
    await page.setInputFiles('input', { ...file(), buffer: Buffer.alloc(2000, 'a') });
    await status('failed');
    expect(await page.textContent('[role=alert]')).toBe(
      'This file is too large: it has 2 kB, and the limit is 99 bytes. false',
    );
    await page.click('text=reset');
    await status('idle');
    await page.setInputFiles('input', file());
    await status('uploading');
    await page.evaluate(() => window.release());
    await status('done');
  });

  it('start() without a file gives a failed upload and does not throw', async () => {
    await page.click('text=none');
    await status('failed');
    expect(await page.textContent('[role=alert]')).toBe('No file was chosen. false');
  });

  it('abort() stops the upload, and retry() starts it again', async () => {
    await page.setInputFiles('input', file());
    await status('uploading');
    await page.click('text=abort');
    await status('aborted');
    await page.click('text=retry');
    await status('uploading');
    await page.evaluate(() => window.release());
    await status('done');
  });

  it('an upload continues after its component has unmounted, without listeners', async () => {
    await page.setInputFiles('input', file());
    await status('uploading');
    expect(await page.evaluate(() => window.listeners())).toBe(1);
    await page.evaluate(() => window.show('nothing'));
    await page.waitForFunction(() => window.listeners() === 0);
    await page.evaluate(() => window.release());
    await page.waitForFunction(() => window.calls.some((call) => call.endsWith('/complete')));
    expect(await calls('/abort')).toBe(0);
  });

  it('an upload with abortOnUnmount ends with its component', async () => {
    await page.evaluate(() => window.show('aborting'));
    await page.setInputFiles('input', file());
    await status('uploading');
    expect(await calls('/abort')).toBe(0);
    await page.evaluate(() => window.show('nothing'));
    await page.waitForFunction(() => window.calls.some((call) => call.endsWith('/abort')));
    expect(await calls('/complete')).toBe(0);
  });

  it('useUploads() shows a list, and remove() takes an upload off it', async () => {
    await page.evaluate(() => window.show('many'));
    await page.setInputFiles('input[multiple]', [file('a.txt'), file('b.txt')]);
    await page.waitForFunction(() => document.querySelector('ul')?.textContent === 'a.txt uploadingb.txt uploading');
    await page.click('li:has-text("a.txt")');
    await page.waitForFunction(() => document.querySelector('ul')?.textContent === 'b.txt uploading');
    await page.evaluate(() => window.release());
    await page.waitForFunction(() => document.querySelector('ul')?.textContent === 'b.txt done');
    expect(await calls('/abort')).toBe(1);
  });
});
