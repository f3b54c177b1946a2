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

export default function Home({ loaderData: { photo } }: Route.ComponentProps) {
  const { start, upload } = useUpload(client, 'photo');
  const shown = upload?.file ?? photo;
  return (
    <main>
      <h1>Your photo</h1>
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
    </main>
  );
}
