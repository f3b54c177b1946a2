/** A session that expires while bytes are sent. */
import { beforeEach, expect, it } from 'vitest';
import {
  answerWell,
  createManualTransport,
  type HeldRequest,
  type ManualTransport,
  wireError,
} from '../../test/support/manual-transport.ts';
import { createClientOn } from './client.ts';
import type { ClientOptions } from './types.ts';

let manual: ManualTransport;
let valid: string;
beforeEach(() => {
  manual = createManualTransport();
  valid = 'one';
});

const file = () => new File(['hello'], 'hello.txt', { type: 'text/plain' });
const clientWith = (options: Partial<ClientOptions>) =>
  createClientOn({ endpoint: '/uploads', transport: manual.transport, random: () => 0, ...options });
const isCall = ({ request }: HeldRequest) => request.url.startsWith('/uploads');
const sentTo = (part: string) => manual.sent.filter(({ url }) => url.includes(part));

/** The token is replaced when the first byte is sent. */
function serve(): void {
  manual.serve((incoming) => {
    if (incoming.request.method === 'PUT') valid = 'two';
    if (isCall(incoming) && incoming.request.headers.authorization !== valid)
      incoming.answer(401, wireError('unauthenticated'));
    else answerWell(incoming);
  });
}

it('headers() is called once more after a 401', async () => {
  serve();
  // It gives the new token from the fourth call on.
  let asked = 0;
  const headers = () => ({ authorization: asked++ < 3 ? 'one' : 'two' });
  await clientWith({ headers }).upload('files', file()).done;
  expect(sentTo('/complete')).toHaveLength(2);
  expect(sentTo('store.example')).toHaveLength(1);
});

it('a second 401 fails the upload, and retry() after signing in completes what was sent', async () => {
  serve();
  let token = 'one';
  const upload = clientWith({ headers: () => ({ authorization: token }) }).upload('files', file());
  await expect(upload.done).rejects.toMatchObject({ code: 'unauthenticated', status: 401 });
  expect(sentTo('/complete')).toHaveLength(2);
  token = 'two';
  upload.retry();
  await upload.done;
  expect(sentTo('store.example')).toHaveLength(1);
  expect(manual.sent.filter(({ url, method }) => url === '/uploads' && method === 'POST')).toHaveLength(1);
});

it('onUnauthenticated renews the session once for all calls that were refused together', async () => {
  let token = 'one';
  let renewals = 0;
  const client = clientWith({
    headers: () => ({ authorization: token }),
    onUnauthenticated: async () => {
      renewals++;
      await new Promise((resolve) => setImmediate(resolve));
      token = valid;
    },
  });
  serve();
  valid = 'zero';
  await Promise.all([client.routeInfo('a'), client.routeInfo('b'), client.routeInfo('c')]);
  expect(renewals).toBe(1);
  await client.upload('files', file()).done;
  expect(renewals).toBe(2);
  expect(sentTo('store.example')).toHaveLength(1);
});

it('onUnauthenticated works for cookies, without headers()', async () => {
  let signedIn = false;
  const client = clientWith({
    onUnauthenticated: () => {
      signedIn = true;
    },
  });
  manual.serve((incoming) => (signedIn || !isCall(incoming) ? answerWell(incoming) : incoming.answer(401, 'Sign in')));
  await client.upload('files', file()).done;
});

it('an upload fails with unauthenticated when onUnauthenticated rejects', async () => {
  const client = clientWith({ onUnauthenticated: () => Promise.reject(new Error('closed')) });
  manual.serve((incoming) => incoming.answer(401, wireError('unauthenticated')));
  await expect(client.upload('files', file()).done).rejects.toMatchObject({ code: 'unauthenticated' });
  expect(manual.sent).toHaveLength(1);
});

it('retry() completes what was sent after a permission was withdrawn and given again', async () => {
  let allowed = true;
  manual.serve((incoming) => {
    if (incoming.request.method === 'PUT') allowed = false;
    if (isCall(incoming) && !allowed) incoming.answer(403, wireError('forbidden'));
    else answerWell(incoming);
  });
  const upload = clientWith({}).upload('files', file());
  await expect(upload.done).rejects.toMatchObject({ code: 'forbidden' });
  allowed = true;
  manual.serve(answerWell);
  upload.retry();
  await upload.done;
  expect(sentTo('store.example')).toHaveLength(1);
});
