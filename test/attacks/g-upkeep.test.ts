/** G12: upkeep requests. The ids of attacks are explained in docs/threat-model.md. */
import { afterEach, expect, it } from 'vitest';
import { type RateLimitOptions, route } from '../../src/server/index.ts';
import { createTestApp } from '../support/server-app.ts';
import { unreachableStorage } from '../support/unreachable-storage.ts';

const secret = 'the secret of the cron service, long enough';
let sweeps = 0;
afterEach(() => {
  sweeps = 0;
});

function createApp(upkeepSecret: string, rateLimit?: RateLimitOptions) {
  const storage = unreachableStorage();
  return createTestApp(
    {
      ...storage,
      list(options) {
        sweeps += 1;
        return storage.list(options);
      },
    },
    { a: route({ limits: { maxBytes: 1000 }, authorize: () => ({ ownerId: 'anna' }) }) },
    {
      upkeep: { secret: upkeepSecret },
      onEvent: () => {},
      ...(rateLimit ? { rateLimit, clientAddress: () => '192.0.2.1' } : {}),
    },
  );
}

const wrong: [what: string, authorization: string | undefined][] = [
  ['no header', undefined],
  ['an empty token', 'Bearer '],
  ['another token', `Bearer ${secret}x`],
  ['the beginning of the token', `Bearer ${secret.slice(0, -1)}`],
  ['another scheme', `Basic ${Buffer.from(`cron:${secret}`).toString('base64')}`],
  ['the bare secret', secret],
];

it.each(wrong)('G12 /upkeep does nothing for %s', async (_, authorization) => {
  const app = createApp(secret);
  for (const method of ['GET', 'POST']) {
    const answer = await app.call(method, '/upkeep', '', authorization === undefined ? {} : { authorization });
    expect([answer.status, answer.json.error?.code]).toEqual([401, 'unauthenticated']);
  }
  // The secret is not looked for in the URL, which logs keep.
  expect((await app.call('POST', `/upkeep?secret=${encodeURIComponent(secret)}`)).status).toBe(401);
  expect(sweeps).toBe(0);
});

it('G12 /upkeep does nothing while its secret is empty', async () => {
  const app = createApp('');
  for (const authorization of ['Bearer ', 'Bearer x'])
    expect((await app.call('POST', '/upkeep', '', { authorization })).status).not.toBe(200);
  expect(sweeps).toBe(0);
});

it('G12 /upkeep counts wrong secrets against the address', async () => {
  const app = createApp(secret, { perAddress: { points: 3, perSeconds: 600 } });
  const statuses: number[] = [];
  for (let call = 0; call < 6; call += 1)
    statuses.push((await app.call('POST', '/upkeep', '', { authorization: 'Bearer x' })).status);
  expect(statuses.at(-1)).toBe(429);
});
