/** Compares the first bytes of a stored object with its type, by the formats that `file-type` recognises. */
import { contentMismatch, type Detector } from '../../protocol/content/index.ts';
import { canonicalType, isActiveType } from '../../protocol/formats/index.ts';

export { contentMismatch } from '../../protocol/content/index.ts';

/** `file-type` loads with the first completion, because it takes longer than all other modules together. */
export async function loadDetector(): Promise<Detector> {
  const { fileTypeFromBuffer, supportedMimeTypes } = await import('file-type');
  return {
    async detect(head) {
      // `file-type` throws when it needs more bytes than it was given.
      const found = await fileTypeFromBuffer(head).catch(() => undefined);
      return found ? (found.mime.split(';')[0] as string).trim().toLowerCase() : null;
    },
    recognises: (type) => supportedMimeTypes.has(type),
  };
}

export interface TypeMatch {
  /** The first type that the bytes agree with, or null. */
  contentType: string | null;
  /** The type that the bytes look like, when they do not agree with the first type. */
  looksLike: string | null;
}

/**
 * @param types the signed type first, then the other types that the file may have
 * @param isNamed whether the route names the type
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

/**
 * Detects the type of the bytes, for a file whose name and declaration do not tell it. Never returns a type that a
 * browser executes.
 */
export async function detectType(head: Uint8Array): Promise<string | null> {
  const detected = await (await loadDetector()).detect(head);
  return detected === null || isActiveType(detected) ? null : canonicalType(detected);
}
