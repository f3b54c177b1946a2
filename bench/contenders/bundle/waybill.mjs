import { createClient } from 'waybill/client';

const client = createClient({ endpoint: '/uploads' });

export function upload(file, onProgress) {
  const one = client.upload('avatar', file);
  one.subscribe(onProgress);
  return one.done;
}
