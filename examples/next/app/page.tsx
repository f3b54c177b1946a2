import { cookies } from 'next/headers';
import { findPhoto } from '../lib/photos';
import { readSession } from '../lib/session';
import { PhotoForm } from './photo-form';

export default async function Page() {
  const session = readSession(await cookies());
  return (
    <main>
      <h1>Your photo</h1>
      <PhotoForm savedPhoto={session ? findPhoto(session.ownerId) : undefined} />
    </main>
  );
}
