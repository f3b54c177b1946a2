import { headBytes } from '../../protocol/content/check.ts';
import { KiB } from '../../protocol/units.ts';
import type { ObjectInfo, Storage } from '../../s3/index.ts';
import { storageError } from '../../s3/internal.ts';
import { isPlaceholder } from './staging.ts';

export interface StagedObject {
  info: ObjectInfo;
  /** The first bytes. */
  head: Uint8Array;
  /** All bytes of a small object, else null. */
  whole: Uint8Array | null;
}

/** Bytes. Up to this size, reading all of an object costs less than a second request. */
const wholeBytes = 64 * KiB;

/**
 * Reads the headers and the first bytes of a staged object: a small one with one GET, a larger one with a HEAD and a
 * ranged GET at the same time. Returns null when there is no such object.
 */
export async function readStagedObject(
  storage: Storage,
  key: string,
  size: number | null,
): Promise<StagedObject | null> {
  if (size !== null && size <= wholeBytes) {
    const found = await storage.read(key, { maxBytes: wholeBytes });
    if (!found || isPlaceholder(found.info)) return null;
    const { info, bytes } = found;
    // Any other response (another size than granted, an encoding, no length) is not trusted, because a proxy may cut a
    // response short without an error. The HEAD below tells the size.
    if (bytes?.length === info.size && info.size === size)
      return { info, head: bytes.subarray(0, headBytes), whole: bytes };
  }
  // When the object is replaced between the HEAD and the GET, they see two different objects. Then both are sent again.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const stop = new AbortController();
    const reading = size === 0 ? null : readHead(storage, key, stop.signal);
    // The GET is awaited below. Until then its failure must not count as an unhandled rejection.
    reading?.catch(() => {});
    const info = await storage.head(key);
    // With a Content-Encoding `fetch` would decode the bytes or fail. Such an object is refused in any case.
    const readable = info !== null && info.size > 0 && info.contentEncoding === undefined;
    if (!readable) stop.abort();
    if (!info || isPlaceholder(info)) return null;
    // An empty object counts as read whole, because storages refuse every range of it (416).
    const nothing = new Uint8Array(0);
    if (!readable) return { info, head: nothing, whole: info.size === 0 ? nothing : null };
    const first = await (reading ?? readHead(storage, key, stop.signal));
    if (first?.etag !== info.etag) continue;
    if (first.head.length === Math.min(info.size, headBytes))
      return { info, head: first.head, whole: first.head.length === info.size ? first.head : null };
    throw interruptedRead();
  }
  return null;
}

const interruptedRead = () => storageError('storage_unavailable', 'The storage broke off in the middle of an object.');

async function readHead(
  storage: Storage,
  key: string,
  signal: AbortSignal,
): Promise<{ etag: string; head: Uint8Array } | null> {
  const found = await storage.get(key, { range: [0, headBytes - 1], signal });
  if (!found) return null;
  const bytes = await new Response(found.body).arrayBuffer().catch(() => {
    throw interruptedRead();
  });
  return { etag: found.info.etag, head: new Uint8Array(bytes) };
}
