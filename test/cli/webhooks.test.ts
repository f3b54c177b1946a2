/** `waybill webhooks` lists the outbox and sends messages again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { run } from '../../src/cli/index.ts';
import { sqliteLedger } from '../../src/ledger/sqlite.ts';
import type { Ledger } from '../../src/server/index.ts';
import { addMessage } from '../support/outbox.ts';
import { createFakeTerminal } from './fake-terminal.ts';

let dir: string;
let ledger: Ledger;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'waybill-outbox-'));
  ledger = await sqliteLedger({ file: join(dir, 'uploads.db') });
});
afterEach(async () => {
  await ledger.close();
  await rm(dir, { recursive: true, force: true });
});

async function type(...args: string[]) {
  const terminal = createFakeTerminal({ env: { WAYBILL_LEDGER: `sqlite:${join(dir, 'uploads.db')}` } });
  const code = await run(['webhooks', ...args], terminal);
  return { code, stdout: terminal.stdout, stderr: terminal.stderr };
}

it('waybill webhooks lists messages by state and replays parked ones', async () => {
  expect(await type('list')).toMatchObject({ code: 0, stdout: '', stderr: 'There are no messages.\n' });
  const first = await addMessage(ledger);
  const second = await addMessage(ledger);
  const third = await addMessage(ledger);
  await ledger.recordWebhookFailure(first, 'HTTP 410', null);
  await ledger.recordWebhookDelivery(second);
  const all = await type('list');
  expect(all.stdout).toMatch(new RegExp(`parked .*${first} .*HTTP 410`));
  expect(all.stdout).toMatch(new RegExp(`delivered .*${second}`));
  expect(all.stdout).toMatch(new RegExp(`pending .*${third}`));
  for (const [state, id] of [
    ['parked', first],
    ['delivered', second],
    ['pending', third],
  ] as const) {
    const { stdout } = await type('list', '--state', state, '--json');
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).webhookId),
    ).toEqual([id]);
  }
  expect(await type('replay', '--parked')).toMatchObject({ code: 0, stdout: '1 will be sent again.\n' });
  expect(await type('replay', second)).toMatchObject({ code: 0, stdout: '1 will be sent again.\n' });
  const taken = await ledger.takeWebhooks(10, 60_000);
  expect(taken.map(({ webhookId }) => webhookId).sort()).toEqual([first, second, third].sort());
});

it('waybill webhooks replay names unknown messages and replays the others', async () => {
  const id = await addMessage(ledger);
  await ledger.recordWebhookDelivery(id);
  const { code, stdout, stderr } = await type('replay', 'msg_unknown', id);
  expect([code, stdout]).toEqual([1, '1 will be sent again.\n']);
  expect(stderr).toContain('There is no message msg_unknown.');
});

it.each([
  [[]],
  [['send']],
  [['list', 'msg_one']],
  [['list', '--parked']],
  [['list', '--state', 'lost']],
  [['list', '--limit', '1001']],
  [['replay']],
  [['replay', '--parked', '--state', 'parked']],
])('waybill webhooks refuses %j', async (args) => {
  expect((await type(...args)).code).toBe(2);
});
