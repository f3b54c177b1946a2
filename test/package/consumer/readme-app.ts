/** The app that the server of the README assumes. */
import { s3Storage } from 'waybill/s3';
import { route } from 'waybill/server';

interface User {
  id: string;
}

export async function session(cookie: string | undefined): Promise<User | null> {
  return cookie ? { id: cookie } : null;
}

export const db = { setAvatar: async (ownerId: string, url: string) => void [ownerId, url] };

export const secret = 'a secret of at least thirty-two characters';
export const storage = s3Storage({
  bucket: 'user-content',
  credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
});
export const routes = { files: route({ limits: { maxBytes: 1000 }, authorize: () => ({ ownerId: 'anna' }) }) };
