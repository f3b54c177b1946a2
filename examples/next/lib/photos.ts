import type { StoredFile } from 'waybill';

export type Photo = Pick<StoredFile, 'url' | 'fileName'>;

/** Stands for your database. Next loads this file once for pages and once for route handlers, so it is global. */
const holder = globalThis as { photos?: Map<string, Photo> };
holder.photos ??= new Map();
const photos = holder.photos;

export function savePhoto(ownerId: string, { url, fileName }: Photo): void {
  photos.set(ownerId, { url, fileName });
}

export function findPhoto(ownerId: string): Photo | undefined {
  return photos.get(ownerId);
}
