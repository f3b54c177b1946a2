/** A page for the server of one adapter. The test replaces `./adapter.js`. */
import { createClient } from 'waybill/client';
import { createPut } from 'waybill/client/put';
import { useUpload, useUploads } from 'waybill/react';
import type { uploads } from './adapter.js';

const client = createClient<typeof uploads>({ endpoint: '/uploads' });
const put = createPut<typeof uploads>({ endpoint: '/uploads' });
const metadata = { album: 'summer' };

export async function upload(file: File): Promise<{ size: number; album: string }> {
  // @ts-expect-error there is no such route
  client.upload('photos', file, { metadata });
  // @ts-expect-error the route needs metadata
  client.upload('photo', file);
  // @ts-expect-error the metadata has another type
  client.upload('photo', file, { metadata: { album: 7 } });
  // @ts-expect-error there is no such route
  put('photos', file, { metadata });
  const { data } = await client.upload('photo', file, { metadata }).done;
  // @ts-expect-error the result has no such property
  const width = data.width;
  // @ts-expect-error the size is a number
  const size: string = data.size;
  void [width, size];
  return data;
}

export function Photo() {
  const one = useUpload(client, 'photo');
  const many = useUploads(client, 'photo');
  // @ts-expect-error there is no such route
  useUpload(client, 'photos');
  const add = (file: File) => {
    one.start(file, { metadata });
    many.start([file], { metadata });
    // @ts-expect-error the route needs metadata
    one.start(file);
    // @ts-expect-error the metadata has another type
    many.start([file], { metadata: { album: 7 } });
  };
  const size: number | undefined = one.upload?.data?.size;
  // @ts-expect-error the result has no such property
  const width = one.upload?.data?.width;
  return (
    <input
      type="file"
      title={`${size} ${width}`}
      onChange={({ target }) => target.files?.[0] && add(target.files[0])}
    />
  );
}
