/** What an operator sees of the outbox, and how a message is sent again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { run } from '../../src/cli/index.ts';
import { sqliteLedger } from '../../src/ledger/sqlite.ts';
import type { Ledger } from '../../src/server/index.ts';
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

/** A message of an upload that was refused. */
async function message(uploadId: string): Promise<string> {
  const facts = { route: 'files', ownerId: 'anna', fileName: 'a.png', contentType: 'image/png', metadata: null };
  const sizes = { size: 1, partSize: null, reservedBytes: 1, checksum: null, transfer: 'put' as const };
  const times = { expiresInMs: 60_000, abandonAfterMs: 60_000 };
  await ledger.grant([
    { uploadId, key: `files/${uploadId}`, ...facts, ...sizes, ...times, quotas: { owner: null, route: null } },
  ]);
  const claim = await ledger.claim(uploadId, 60_000);
  if (!claim || !('fence' in claim)) throw new Error('not claimed');
  const webhookId = `msg_${uploadId}_rejected`;
  const error = { code: 'upload_rejected' as const, message: 'No.', retryable: false };
  const webhooks = [{ webhookId, type: 'upload.rejected', payload: '{}' }];
  expect(await ledger.end(uploadId, claim.fence, { state: 'rejected', error, webhooks })).toBe(true);
  return webhookId;
}

it('lists them by state, and sends those again that were given up', async () => {
  expect(await type('list')).toMatchObject({ code: 0, stdout: '', stderr: 'There is none.\n' });
  const first = await message('one');
  const second = await message('two');
  const third = await message('three');
  await ledger.webhookFailed(first, 'HTTP 410', null);
  await ledger.webhookDelivered(second);
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
  expect(await type('replay', '--parked')).toMatchObject({ code: 0, stdout: '1 to be sent again.\n' });
  expect(await type('replay', second)).toMatchObject({ code: 0, stdout: '1 to be sent again.\n' });
  const taken = await ledger.takeWebhooks(10, 60_000);
  expect(taken.map(({ webhookId }) => webhookId).sort()).toEqual([first, second, third].sort());
});

it('says which message is not known, and sends the others', async () => {
  const id = await message('one');
  await ledger.webhookDelivered(id);
  const { code, stdout, stderr } = await type('replay', 'msg_nobody', id);
  expect([code, stdout]).toEqual([1, '1 to be sent again.\n']);
  expect(stderr).toContain('There is no message msg_nobody.');
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
])('refuses %j', async (args) => {
  expect((await type(...args)).code).toBe(2);
});
