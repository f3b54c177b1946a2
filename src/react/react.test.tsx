import { StrictMode } from 'react';
import { renderToString } from 'react-dom/server';
import { expect, it } from 'vitest';
import { answerWell, createManualTransport } from '../../test/support/manual-transport.ts';
import { acceptOf } from '../bindings/index.ts';
import { observeUploads } from '../bindings/upload-list.ts';
import { createClient, type Upload, type UploadSnapshot } from '../client/index.ts';
import type { RouteInfo, TypedUploads } from '../protocol/index.ts';
import { type UseUpload, useRoute, useUpload, useUploads } from './index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Expect<T extends true> = T;
type Avatar = { metadata: { crop: string }; data: { id: number } };
type Uploads = TypedUploads<{ avatar: Avatar; log: { metadata: undefined; data: string } }>;

const manual = createManualTransport();
const client = createClient<Uploads>({ endpoint: '/uploads', transport: manual.transport });

function Form() {
  const { upload } = useUpload(client, 'avatar', { abortOnUnmount: true });
  const { uploads } = useUploads(client, 'log');
  const { info, accept } = useRoute(client, 'log');
  return <p>{JSON.stringify([upload, uploads, info, accept ?? 'unknown'])}</p>;
}

/** It is compiled and not rendered. */
function Typed() {
  const one = useUpload(client, 'avatar');
  const many = useUploads(client, 'log', { abortOnUnmount: true });
  one.start(new Blob(), { metadata: { crop: 'a' } });
  one.pause();
  one.resume();
  many.pause('id');
  many.resume('id');
  many.start([new Blob()]);
  // @ts-expect-error this route needs metadata
  one.start(new Blob());
  // @ts-expect-error there is no such route
  useUpload(client, 'nothing');
  return null as unknown as [
    Expect<Equal<typeof one, UseUpload<Avatar>>>,
    Expect<Equal<typeof one.upload, UploadSnapshot<{ id: number }> | null>>,
    Expect<Equal<ReturnType<typeof many.start>, Upload<string>[]>>,
  ];
}

it('the hooks render on a server, and send nothing', () => {
  expect(globalThis.window).toBeUndefined();
  const html = renderToString(
    <StrictMode>
      <Form />
    </StrictMode>,
  );
  expect(html).toBe('<p>[null,[],null,&quot;unknown&quot;]</p>');
  expect(manual.sent).toHaveLength(0);
  expect(Typed).toBeTypeOf('function');
});

it('observeUploads() gives the same list of snapshots until one of them changes', async () => {
  const manual = createManualTransport();
  manual.serve(answerWell);
  const client = createClient({ endpoint: '/uploads', transport: manual.transport });
  const uploads = client.uploadAll('files', [
    new File(['a'], 'a.txt', { type: 'text/plain' }),
    new File(['b'], 'b.txt', { type: 'text/plain' }),
  ]);
  const { subscribe, getSnapshot, replace } = observeUploads<unknown>();
  replace(uploads);
  let calls = 0;
  const stop = subscribe(() => calls++);
  const first = getSnapshot();
  expect(getSnapshot()).toBe(first);
  await Promise.all(uploads.map(({ done }) => done));
  const last = getSnapshot();
  expect(last).not.toBe(first);
  expect(last.map(({ status }) => status)).toEqual(['done', 'done']);
  expect(getSnapshot()).toBe(last);
  expect(calls).toBeGreaterThanOrEqual(10);
  stop();
  const before = calls;
  uploads[0]?.retry();
  expect(calls).toBe(before);
});

it.each([
  [null, undefined],
  [{}, undefined],
  [{ contentTypes: ['image/*', 'application/pdf'] }, 'image/*,application/pdf'],
  [{ contentTypes: ['*/*'] }, undefined],
  [{ contentTypes: ['image/*'], extensions: ['jpg', 'png'] }, '.jpg,.png'],
])('acceptOf() of %j is %s', (limits, accept) => {
  expect(acceptOf(limits && ({ limits } as unknown as RouteInfo))).toBe(accept);
});
