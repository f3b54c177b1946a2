import type { StoredFile } from 'waybill';

export type Photo = Pick<StoredFile, 'url' | 'fileName'>;

/** Stands for your database. */
const photos = new Map<string, Photo>();

export function savePhoto(ownerId: string, { url, fileName }: Photo): void {
  photos.set(ownerId, { url, fileName });
}

export function findPhoto(ownerId: string): Photo | undefined {
  return photos.get(ownerId);
}
