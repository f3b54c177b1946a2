/** A page of a user. The test checks its types only. */
import { createClient } from 'waybill/client';
import { createPut } from 'waybill/client/put';
import { useUpload } from 'waybill/react';
import type { uploads } from './app.js';

const client = createClient<typeof uploads>({ endpoint: '/uploads' });
export const put = createPut<typeof uploads>({ endpoint: '/uploads' });

export function Picker() {
  const { start, upload } = useUpload(client, 'notes');
  return (
    <label>
      {upload ? `${upload.status}: ${upload.loaded} of ${upload.total}` : 'Choose a file'}
      <input
        type="file"
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file) start(file);
        }}
      />
    </label>
  );
}
