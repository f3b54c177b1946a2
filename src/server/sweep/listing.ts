/** Lists objects and multipart uploads in pages. */
import type { ListPage, MultipartListing, Storage } from '../../s3/index.ts';

export type Listed = ListPage['objects'][number];
export type ListedMultipart = MultipartListing['uploads'][number];

export async function* pagesOf(storage: Storage, prefix: string, signal?: AbortSignal): AsyncIterable<Listed[]> {
  let continuationToken: string | undefined;
  do {
    signal?.throwIfAborted();
    const page = await storage.list({ prefix, ...(continuationToken === undefined ? {} : { continuationToken }) });
    yield page.objects;
    continuationToken = page.continuationToken;
  } while (continuationToken !== undefined);
}

export async function* multipartsOf(
  storage: Storage,
  prefix: string,
  signal?: AbortSignal,
): AsyncIterable<ListedMultipart[]> {
  if (!storage.capabilities.multipart) return;
  let next: MultipartListing['next'];
  do {
    signal?.throwIfAborted();
    const page: MultipartListing = await storage.listMultiparts({ prefix, next });
    yield page.uploads;
    next = page.next;
  } while (next !== undefined);
}

/**
 * Age in milliseconds, at least 0. The storage's clock may be some seconds ahead of ours, so an object that has just
 * arrived can have a date in the future: it counts as new. An object without a date does too, so that nothing is done
 * to it.
 */
export function ageOf(at: string, now: number): number {
  const age = now - Date.parse(at);
  return age > 0 ? age : 0;
}
