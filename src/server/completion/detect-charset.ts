/** Detects the encoding of a staged text file from its bytes, because clients do not send it. */
import { KiB } from '../../protocol/index.ts';
import type { Storage } from '../../s3/index.ts';
import { type Charset, hasCharset } from '../shared/charset.ts';
import { isPreconditionFailed } from '../shared/storage-errors.ts';
import type { StagedObject } from './staged-object.ts';

/** https://encoding.spec.whatwg.org/#bom-sniff */
const marks: readonly (readonly [Charset, readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16be', [0xfe, 0xff]],
  ['utf-16le', [0xff, 0xfe]],
];

/** Bytes that are read from the middle and from the end of a file whose beginning is not enough. */
const sampleBytes = 32 * KiB;

/**
 * Returns undefined for a file that is not text, or not Unicode. A small file is checked completely. In a larger file
 * the first bytes decide when they contain characters other than ASCII; otherwise two samples decide.
 */
export async function detectCharset(
  storage: Pick<Storage, 'get'>,
  { info, head, whole }: StagedObject,
  contentType: string,
): Promise<Charset | undefined> {
  if (!hasCharset(contentType)) return undefined;
  const bytes = whole ?? head;
  for (const [charset, mark] of marks)
    if (mark.every((byte, index) => bytes[index] === byte))
      return isValid(bytes, charset, !whole) ? charset : undefined;
  if (!isValid(bytes, 'utf-8', !whole)) return undefined;
  if (whole || !isAscii(bytes)) return 'utf-8';
  const last = info.size - 1;
  const starts = [Math.floor(info.size / 2), Math.max(0, info.size - sampleBytes)];
  const samples = await Promise.all(
    starts.map((start) => readSample(storage, info.key, info.etag, [start, Math.min(last, start + sampleBytes - 1)])),
  );
  return samples.every((sample) => sample !== null && isValid(afterCut(sample), 'utf-8', true)) ? 'utf-8' : undefined;
}

async function readSample(
  storage: Pick<Storage, 'get'>,
  key: string,
  ifMatch: string,
  range: readonly [number, number],
): Promise<Uint8Array | null> {
  try {
    const found = await storage.get(key, { range, ifMatch });
    return found && new Uint8Array(await new Response(found.body).arrayBuffer());
  } catch (error) {
    // The object was replaced. The copy, which names its ETag, fails for the same reason.
    if (isPreconditionFailed(error)) return null;
    throw error;
  }
}

/** @param cut whether the bytes may end in the middle of a character */
function isValid(bytes: Uint8Array, charset: Charset, cut: boolean): boolean {
  try {
    new TextDecoder(charset, { fatal: true }).decode(bytes, { stream: cut });
    return true;
  } catch {
    return false;
  }
}

function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80);
}

/** Removes the rest of a character that began before the sample: at most three bytes 10xxxxxx. */
function afterCut(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < 3 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.subarray(start);
}
