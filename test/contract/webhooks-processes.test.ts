/** Webhooks between processes: a killed delivery process, and the receiver of docs/webhooks.md. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Ledger, WebhooksOptions } from '../../src/server/index.ts';
import { deliverDueWebhooks } from '../../src/server/webhooks/deliver.ts';
import { checkWebhooks } from '../../src/server/webhooks/options.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { addMessage } from '../support/outbox.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const secret = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;
const deliverer = `
  import { openLedger } from './src/ledger/index.ts';
  import { deliverDueWebhooks } from './src/server/webhooks/deliver.ts';
  import { checkWebhooks } from './src/server/webhooks/options.ts';
  const [ledgerUrl, url, secret] = process.argv.slice(2);
  const ledger = await openLedger(ledgerUrl);
  await deliverDueWebhooks({ ledger, webhooks: checkWebhooks({ url, secret }), now: Date.now });
  await ledger.close();
`;

function deliverDue(ledger: Ledger, webhooks: WebhooksOptions) {
  return deliverDueWebhooks({ ledger, webhooks: checkWebhooks(webhooks), now: Date.now });
}

let dir: string;
const children: ChildProcess[] = [];
const servers: Server[] = [];

beforeAll(async () => {
  // Inside the repository, so that Node finds the dependencies.
  await mkdir(join(root, '.cache'), { recursive: true });
  dir = await mkdtemp(join(root, '.cache/webhooks-'));
  await build({
    stdin: { contents: deliverer, resolveDir: root, loader: 'ts' },
    outfile: join(dir, 'deliver.mjs'),
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
  const page = await readFile(join(root, 'docs/webhooks.md'), 'utf8');
  const code = /^```js\n\/\/ receive\.js\n([\s\S]+?)^```$/m.exec(page)?.[1];
  await writeFile(join(dir, 'receive.mjs'), code ?? 'throw new Error("docs/webhooks.md has no receive.js")');
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  }
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

afterAll(() => rm(dir, { recursive: true, force: true }));

function start(script: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, [join(dir, script), ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

forEachLedger('webhooks between processes', (testLedger) => {
  it('a webhook is delivered again with its id after the delivery process was killed', async () => {
    const clock = { offset: 0 };
    const ledger = await testLedger.open({ now: () => Date.now() + clock.offset });
    const webhookId = await addMessage(ledger);
    const received: (string | string[] | undefined)[] = [];
    let child: ChildProcess | undefined;
    const server = createServer((request, response) => {
      received.push(request.headers['webhook-id']);
      if (received.length === 1) child?.kill('SIGKILL');
      else response.writeHead(204).end();
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    child = start('deliver.mjs', [testLedger.url(), url, secret]);
    expect(await once(child, 'close')).toEqual([null, 'SIGKILL']);
    const deliver = () => deliverDue(ledger, { url, secret });
    // The webhook is still reserved for the killed process.
    expect(await deliver()).toEqual([]);
    clock.offset = 3_600_000;
    expect(await deliver()).toMatchObject([{ webhookId, outcome: 'delivered', attempts: 2 }]);
    expect(received).toEqual([webhookId, webhookId]);
  });

  it('the receiver of docs/webhooks.md accepts signed webhooks once, and nothing else', async () => {
    const ledger = await testLedger.open();
    const child = start('receive.mjs', [], { PORT: '0', WAYBILL_WEBHOOK_SECRET: secret });
    let output = '';
    child.stdout?.on('data', (data: Buffer) => {
      output += data.toString();
    });
    await expect.poll(() => output).toMatch(/on port \d+/);
    const url = `http://127.0.0.1:${/on port (\d+)/.exec(output)?.[1]}/waybill`;
    const ids = [await addMessage(ledger, 'completed'), await addMessage(ledger)];
    const other = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
    const forged = await deliverDue(ledger, { url, secret: other });
    expect(forged).toMatchObject([{ reason: 'HTTP 401' }, { reason: 'HTTP 401' }]);
    for (const _ of [1, 2]) {
      for (const id of ids) await ledger.replayWebhook(id);
      const deliveries = await deliverDue(ledger, { url, secret });
      expect(deliveries).toMatchObject([{ outcome: 'delivered' }, { outcome: 'delivered' }]);
    }
    await expect.poll(() => output.match(/anna stored a\.png as/g)).toHaveLength(1);
    await expect.poll(() => output.match(/was refused: upload_rejected/g)).toHaveLength(1);
  });
});
