/** Secrets that are not in the environment while a container image is built. */
import { expect, it } from 'vitest';
import { unreachableStorage } from '../../../test/support/unreachable-storage.ts';
import { anyone, createUploads, type Ledger, route } from '../index.ts';

const secret = 's'.repeat(32);
const webhookSecret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

function create(options: object = {}) {
  return createUploads({
    storage: unreachableStorage(),
    secret,
    publicUrl: 'https://uploads.example',
    ledger: {} as Ledger,
    routes: { files: route({ limits: { maxBytes: 1 }, authorize: anyone }) },
    ...options,
  });
}

const optionsWithSecret: [name: string, good: string, options: (secret: unknown) => object][] = [
  ['secret', secret, (secret) => ({ secret })],
  ['viewSecret', secret, (viewSecret) => ({ viewSecret })],
  ['webhooks.secret', webhookSecret, (secret) => ({ webhooks: { url: 'https://app.example/hook', secret } })],
  ['events.secret', secret, (secret) => ({ events: { secret } })],
];

it.each(optionsWithSecret)(
  '`%s` may be empty until its first use, and check() names it',
  async (name, good, options) => {
    for (const missing of ['', () => '']) {
      const { ok, findings } = await create(options(missing)).check();
      expect(ok).toBe(false);
      expect(findings.filter(({ code }) => code === 'config_invalid')).toEqual([
        expect.objectContaining({ severity: 'error', message: expect.stringContaining(`\`${name}\``) }),
      ]);
    }
    const { findings } = await create(options(() => good)).check();
    expect(findings.filter(({ code }) => code === 'config_invalid')).toEqual([]);
  },
);

it.each(optionsWithSecret)('`%s` is refused at once when it is set to something wrong', (name, _, options) => {
  expect(() => create(options('short'))).toThrow(
    expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(`\`${name}\``) }),
  );
});

it('POST /events refuses every sender while `events.secret` is empty', async () => {
  const uploads = create({ events: { secret: '' }, onEvent: () => {} });
  // Without a credential the secret is not needed. With one, it is read, and the missing secret is the server's fault.
  const cases: [header: string | undefined, status: number][] = [
    [undefined, 401],
    ['Bearer ', 500],
    ['Bearer x', 500],
  ];
  for (const [header, status] of cases) {
    const headers = new Headers({ 'content-type': 'application/json', ...(header ? { authorization: header } : {}) });
    const body = JSON.stringify({ Records: [] });
    const response = await uploads.fetch(new Request('http://app.test/events', { method: 'POST', headers, body }));
    expect([header, response.status]).toEqual([header, status]);
  }
});
