import { type ChangeEvent, useState } from 'react';
import { data } from 'react-router';
import { createClient } from 'waybill/client';
import { useUpload } from 'waybill/react';
import { findPhoto } from '../photos.server';
import { readSession, startSession } from '../session.server';
import type { uploads } from '../uploads.server';
import type { Route } from './+types/home';

const client = createClient<typeof uploads>({ endpoint: '/uploads' });

export async function loader({ request }: Route.LoaderArgs) {
  const session = await readSession(request.headers.get('cookie') ?? undefined);
  if (session) return data({ photo: findPhoto(session.ownerId) });
  return data({ photo: undefined }, { headers: { 'set-cookie': await startSession() } });
}

export default function Home({ loaderData }: Route.ComponentProps) {
  const { start, upload } = useUpload(client, 'photo');
  const [photo, setPhoto] = useState(loaderData.photo);

  function send({ target }: ChangeEvent<HTMLInputElement>) {
    const [file] = target.files ?? [];
    if (!file) return;
    const { done } = start(file);
    done.then(({ file }) => setPhoto(file)).catch(() => 'The alert shows the error.');
    // The same file may be chosen again.
    target.value = '';
  }

  return (
    <main>
      <h1>Your photo</h1>
      <figure>{photo ? <img src={photo.url} alt={photo.fileName} /> : 'No photo yet'}</figure>
      <label>
        Choose a photo
        <input type="file" accept="image/*" onChange={send} />
      </label>
      {upload && !upload.file && !upload.error && (
        <progress aria-label={`Sending ${upload.fileName}`} value={upload.loaded} max={upload.total ?? undefined} />
      )}
      <p role="alert">{upload?.error && `${upload.fileName}: ${upload.error.message}`}</p>
    </main>
  );
}
