'use client';

import { createClient } from 'waybill/client';
import { useUpload } from 'waybill/react';
import type { Photo } from '../lib/photos';
import type { uploads } from '../lib/uploads';

const client = createClient<typeof uploads>({ endpoint: '/api/uploads' });

/** @param photo the photo of an earlier visit */
export function PhotoForm({ photo }: { photo: Photo | undefined }) {
  const { start, upload } = useUpload(client, 'photo');
  const shown = upload?.file ?? photo;
  return (
    <>
      <figure>{shown ? <img src={shown.url} alt={shown.fileName} /> : 'No photo yet'}</figure>
      <label>
        Choose a photo
        <input
          type="file"
          accept="image/*"
          onChange={({ target }) => {
            if (target.files?.[0]) start(target.files[0]);
            target.value = '';
          }}
        />
      </label>
      {upload && !upload.file && !upload.error && (
        <progress aria-label={`Sending ${upload.fileName}`} value={upload.loaded} max={upload.total ?? undefined} />
      )}
      <p role="alert">{upload?.error && `${upload.fileName}: ${upload.error.message}`}</p>
    </>
  );
}
