/** The app that the guides assume. */
import { s3Storage } from 'waybill/s3';
import { createUploads, route } from 'waybill/server';

interface User {
  ownerId: string;
  plan: 'free' | 'pro';
}

export async function session(cookie: string | undefined): Promise<User | null> {
  const [, ownerId] = /user=(\w+)/.exec(cookie ?? '') ?? [];
  return ownerId ? { ownerId, plan: 'free' } : null;
}

export const db = {
  setAvatar: async (ownerId: string, url: string) => void [ownerId, url],
  addFile: async (file: { id: string; ownerId: string; name: string; url: string }) => void file,
  markFailed: async (id: string, reason: string) => void [id, reason],
  removeFile: async (id: string, reason: string) => void [id, reason],
};
export const areFriends = (one: string, other: string) => one === other;
export const scan = async (stream: ReadableStream<Uint8Array>) => stream.locked;
export const token = async () => 'token';
export const refreshSession = async () => {};

export const secret = 'a secret of at least thirty-two characters';
export const storage = s3Storage({
  bucket: 'user-content',
  credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
});
export const routes = { files: route({ limits: { maxBytes: 1000 }, authorize: () => ({ ownerId: 'anna' }) }) };
export const uploads = createUploads({ storage, secret, routes });
