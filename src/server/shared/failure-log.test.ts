import { expect, it, vi } from 'vitest';
import { createTestApp, png } from '../../../test/support/server-app.ts';
import { unreachableStorage } from '../../../test/support/unreachable-storage.ts';
import type { UploadsEvent } from '../events.ts';
import { route } from '../index.ts';
import { createFailureLog } from './failure-log.ts';

const storage = unreachableStorage();

function createApp(options: object = {}) {
  const authorize = ({ request }: { request: { header(name: string): string | undefined } }) => {
    if (request.header('x-user') === 'broken')
      throw new Error('The session store is gone: https://db.test/?key=hunter2');
    return null;
  };
  return createTestApp(storage, { a: route({ limits: { maxBytes: 1000 }, authorize }) }, options);
}

async function said(options: object, user: string): Promise<string[]> {
  const app = createApp(options);
  const spy = vi.spyOn(console, 'error').mockImplementation(() => {});
  try {
    const body = { route: 'a', files: [app.declare(png)] };
    await app.call('POST', '/uploads', body, { 'x-user': user, 'x-request-id': 'r1' });
    return spy.mock.calls.map(([text]) => String(text));
  } finally {
    spy.mockRestore();
  }
}

it('an internal error is written to console.error with its stack and its request, without secrets', async () => {
  const [text, ...more] = await said({}, 'broken');
  expect(more).toEqual([]);
  expect(text).toMatch(
    /^\[waybill\] grant failed with internal_error: .*\(requestId r1\)\nError: The session store is gone/,
  );
  expect(text).toContain('failure-log.test.ts');
  expect(text).not.toContain('hunter2');
});

it('an error that the user caused is not written', async () => {
  expect(await said({}, 'anonymous')).toEqual([]);
});

it('nothing is written when the app handles events itself', async () => {
  expect(await said({ onEvent: () => {} }, 'broken')).toEqual([]);
});

it('a failed callback is written once, with its upload', () => {
  const lines: string[] = [];
  const log = createFailureLog(
    () => 0,
    (text) => lines.push(text),
  );
  const upload = { at: 0, uploadId: 'u1', route: 'a', ownerId: 'anna', size: 1, contentType: 'image/png' };
  log({ type: 'callback.failed', ...upload, callback: 'onComplete', reason: 'Error: no\n    at x' } as UploadsEvent);
  log({
    type: 'request.failed',
    at: 0,
    operation: 'complete',
    status: 503,
    code: 'callback_failed',
    message: 'The file has arrived.',
    reason: 'Error: no\n    at x',
    requestId: 'r1',
  });
  expect(lines).toEqual([
    '[waybill] onComplete of the route "a" threw (uploadId u1)\nError: no\n    at x',
    '[waybill] complete failed with callback_failed: The file has arrived. (requestId r1)',
  ]);
});

it('many errors in a short time are counted and not all written', () => {
  const lines: string[] = [];
  let clock = 0;
  const log = createFailureLog(
    () => clock,
    (text) => lines.push(text),
  );
  for (let n = 0; n < 500; n += 1) log({ type: 'sweep.failed', at: 0, reason: 'x' });
  expect(lines).toHaveLength(100);
  clock = 60_000;
  log({ type: 'sweep.failed', at: 0, reason: 'x' });
  expect(lines.slice(100)).toEqual([
    '[waybill] 400 more failures were not shown.',
    '[waybill] The sweep could not deal with an upload\nx',
  ]);
});
