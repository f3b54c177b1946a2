'use client';

import { createClient } from 'waybill/client';
import { useUpload } from 'waybill/react';

const client = createClient({ endpoint: '/api/uploads' });

export function AvatarInput() {
  const { start, upload } = useUpload(client, 'files');
  return (
    <label>
      {upload?.status ?? 'Choose a file'}
      <input type="file" onChange={({ target }) => target.files?.[0] && start(target.files[0])} />
    </label>
  );
}
