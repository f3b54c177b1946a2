/** The first bytes of a stored object against its type, with everything that `file-type` can tell apart. */
import { contentMismatch, type Detector } from '../../protocol/content/index.ts';
import { canonicalType, isActiveType } from '../../protocol/formats/index.ts';

export { contentMismatch, headBytes } from '../../protocol/content/index.ts';

/** Loaded with the first completion, not with the server: it costs more than all the rest. */
export async function loadDetector(): Promise<Detector> {
  const { fileTypeFromBuffer, supportedMimeTypes } = await import('file-type');
  return {
    async detect(head) {
      // It gives up where what it wants to skip lies beyond the bytes that it was given.
      const found = await fileTypeFromBuffer(head).catch(() => undefined);
      return found ? (found.mime.split(';')[0] as string).trim().toLowerCase() : null;
    },
    recognises: (type) => supportedMimeTypes.has(type),
  };
}

export interface TypeMatch {
  /** The type that the bytes agree with. Null: none of those that were asked about. */
  contentType: string | null;
  /** What they look like instead of the first one. */
  looksLike: string | null;
}

/**
 * The first of these types that the bytes agree with.
 *
 * @param types the signed type, then what the file may turn out to be; `isNamed` says whether the route names one
 */
export async function findMatchingType(
  types: readonly string[],
  head: Uint8Array,
  isNamed: (type: string) => boolean,
): Promise<TypeMatch> {
  const detector = await loadDetector();
  let looksLike: string | null = null;
  for (const type of types) {
    const mismatch = await contentMismatch(type, head, isNamed(type), detector);
    if (mismatch === null) return { contentType: type, looksLike: null };
    looksLike ??= mismatch;
  }
  return { contentType: null, looksLike };
}

/** What the bytes are, where neither the declaration nor the name said. Never what a browser runs. */
export async function detectType(head: Uint8Array): Promise<string | null> {
  const detected = await (await loadDetector()).detect(head);
  return detected === null || isActiveType(detected) ? null : canonicalType(detected);
}
