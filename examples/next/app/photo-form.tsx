'use client';

import { type ChangeEvent, useState } from 'react';
import { createClient } from 'waybill/client';
import { useUpload } from 'waybill/react';
import type { Photo } from '../lib/photos';
import type { uploads } from '../lib/uploads';

const client = createClient<typeof uploads>({ endpoint: '/api/uploads' });

/** @param savedPhoto the photo of an earlier visit */
export function PhotoForm({ savedPhoto }: { savedPhoto: Photo | undefined }) {
  const { start, upload } = useUpload(client, 'photo');
  const [photo, setPhoto] = useState(savedPhoto);

  function send({ target }: ChangeEvent<HTMLInputElement>) {
    const [file] = target.files ?? [];
    if (!file) return;
    const { done } = start(file);
    done.then(({ file }) => setPhoto(file)).catch(() => 'The alert shows the error.');
    // The same file may be chosen again.
    target.value = '';
  }

  return (
    <>
      <figure>{photo ? <img src={photo.url} alt={photo.fileName} /> : 'No photo yet'}</figure>
      <label>
        Choose a photo
        <input type="file" accept="image/*" onChange={send} />
      </label>
      {upload && !upload.file && !upload.error && (
        <progress aria-label={`Sending ${upload.fileName}`} value={upload.loaded} max={upload.total ?? undefined} />
      )}
      <p role="alert">{upload?.error && `${upload.fileName}: ${upload.error.message}`}</p>
    </>
  );
}
