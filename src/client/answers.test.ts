import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  answerWell,
  createManualTransport,
  type ManualTransport,
  routeInfo,
  wireError,
} from '../../test/support/manual-transport.ts';
import { errorOf, normalizeEndpoint, retryAfter } from './answers.ts';
import { createClientOn } from './client.ts';

const headers = (all: Record<string, string>) => (name: string) => all[name];
const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toUTCString();

describe('retryAfter()', () => {
  it.each([
    ['seconds', { 'retry-after': '30' }, 30],
    ['no header', {}, 0],
    ['an empty header', { 'retry-after': '' }, 0],
    ['seconds beyond the ceiling of ten minutes', { 'retry-after': '86400' }, 600],
    ['infinity', { 'retry-after': 'Infinity' }, 600],
    ['a negative number', { 'retry-after': '-5' }, 0],
    ['neither a number nor a date', { 'retry-after': 'soon' }, 0],
    ['a date in the past', { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, 0],
    ['a date beyond the ceiling', { 'retry-after': 'Wed, 21 Oct 2099 07:28:00 GMT' }, 600],
    [
      'a date by a clock that is years behind',
      { 'retry-after': 'Wed, 21 Oct 2015 07:28:07 GMT', date: 'Wed, 21 Oct 2015 07:28:00 GMT' },
      7,
    ],
    [
      'a date by a clock that is years ahead',
      { 'retry-after': 'Wed, 21 Oct 2099 07:28:07 GMT', date: 'Wed, 21 Oct 2099 07:28:00 GMT' },
      7,
    ],
  ])('reads %s', (_, given, seconds) => {
    expect(retryAfter(headers(given))).toBe(seconds);
  });

  it('compares a date with the local clock where the Date header is hidden', () => {
    const seconds = retryAfter(headers({ 'retry-after': inSeconds(20) }));
    expect(seconds).toBeGreaterThan(18);
    expect(seconds).toBeLessThanOrEqual(20);
  });
});

it.each([
  ['/uploads', '/uploads'],
  ['/uploads/', '/uploads'],
  ['/uploads//', '/uploads'],
  ['//app.example/uploads/', '//app.example/uploads'],
  ['https://app.example/uploads/', 'https://app.example/uploads'],
  ['https://app.example//api///uploads//', 'https://app.example/api/uploads'],
  ['https://app.example/', 'https://app.example'],
  ['/', ''],
])('normalizeEndpoint(%s) is %s', (given, normal) => {
  expect(normalizeEndpoint(given)).toBe(normal);
});

it('errorOf() gives a retryable network_error, with a hint, for an answer without an error code of Waybill', () => {
  const error = errorOf(
    { status: 502, text: '<html>', header: headers({ 'content-type': 'text/html', 'retry-after': '3' }) },
    '/uploads/complete',
  );
  expect(error).toMatchObject({ code: 'network_error', retryable: true, status: 502, retryAfterSeconds: 3 });
  expect(error.message).not.toMatch(/502|HTTP|html/);
  expect((error.details as { hint: string }).hint).toContain('HTTP 502 text/html from /uploads/complete');
});

describe('a call to the app server', () => {
  let manual: ManualTransport;
  beforeEach(() => {
    manual = createManualTransport();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const file = () => new File(['hello'], 'hello.txt', { type: 'text/plain' });
  const calls = { route: /routes/, grant: /POST .*uploads$/, complete: /complete/ };

  it.each(['route', 'grant', 'complete'] as const)(
    'for the %s is repeated after the time in Retry-After',
    async (which) => {
      for (const value of ['20', inSeconds(20)]) {
        manual = createManualTransport();
        const client = createClientOn({ endpoint: '/uploads/', transport: manual.transport, random: () => 0 });
        const upload = client.upload('files', file());
        let refused = false;
        manual.serve((incoming) => {
          const { method, url } = incoming.request;
          if (refused || !calls[which].test(`${method} ${url}`)) return answerWell(incoming);
          refused = true;
          incoming.answer(429, wireError('rate_limited', true), { 'retry-after': value });
        });
        while (upload.getSnapshot().waiting !== 'backoff') await new Promise((resolve) => setImmediate(resolve));
        const before = manual.sent.length;
        await vi.advanceTimersByTimeAsync(17_000);
        expect(manual.sent).toHaveLength(before);
        await vi.advanceTimersByTimeAsync(3_100);
        await upload.done;
      }
    },
  );

  it.each([
    [200, '<html>captive portal</html>'],
    [204, ''],
    [403, '<html>firewall</html>'],
    [404, '<html>deploying</html>'],
    [407, ''],
    [413, '<html>nginx</html>'],
    [499, ''],
    [502, '<html>nginx</html>'],
    [524, '<html>cdn</html>'],
  ])('is repeated when a proxy answers %i %s', async (status, text) => {
    const client = createClientOn({ endpoint: '/uploads', transport: manual.transport, random: () => 0 });
    const upload = client.upload('files', file());
    for (const which of [/routes/, /POST .*uploads$/]) {
      (await manual.next(which)).answer(status, text);
      while (upload.getSnapshot().waiting !== 'backoff') await new Promise((resolve) => setImmediate(resolve));
      await vi.advanceTimersByTimeAsync(1);
      const again = await manual.next(which);
      if (which.test('routes')) again.answer(200, routeInfo);
      else answerWell(again);
    }
    manual.serve(answerWell);
    await upload.done;
  });
});
