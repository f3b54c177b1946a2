/**
 * Compares a declared type with the first bytes of a file. The server decides by it; a client may ask it before anything
 * is sent. What can tell formats apart is handed in: the server has `file-type`, a page has the table's signatures only.
 */
import { unknownType } from '../content-types.ts';
import { type Format, formatOf } from '../formats/index.ts';
import { decodeText } from './decode.ts';
import { endOfId3, hasAudioFrames, hasHeaderBehindJunk, hasTransportPackets, withoutLeadingZeros } from './leading.ts';
import { acceptedFormats, detectByMagic, hasOwnMagic, isAccepted } from './magic.ts';
import { isCompressedSvg } from './svgz.ts';
import { isDisprovedByText, isTextType, textMismatch } from './text.ts';

/** How much of a file is looked at: what `file-type` asks for. */
export const headBytes = 4100;

export interface Detector {
  /** The type that these bytes are of, in any spelling; null when it cannot tell. */
  detect(head: Uint8Array): Promise<string | null>;
  /** Whether `detect` would tell files of this type. */
  recognises(type: string): boolean;
}

/** Knows the signatures of the table and nothing else. */
export const signatureDetector: Detector = {
  detect: async () => null,
  recognises: () => false,
};

/** General formats that a type which is not in the table may be made of. Such a type is only ever saved. */
const generalFormats: ReadonlySet<string> = new Set([
  'application/zip',
  'application/gzip',
  'application/xml',
  'application/x-cfb',
  'application/vnd.sqlite3',
]);

const unrecognised = 'something unrecognised';

/**
 * Null when the declared type and the first bytes agree, else what the bytes look like.
 *
 * @param named the route names this very type, and not only a wildcard that admits it: then a media type that nothing
 * recognises is taken at its word
 */
export async function contentMismatch(
  declared: string,
  head: Uint8Array,
  named: boolean,
  detector: Detector = signatureDetector,
): Promise<string | null> {
  if (declared === unknownType) return null;
  const format = formatOf(declared);
  const seen = await detectFormat(declared, head, detector);
  if (typeof seen === 'object' && format && seen && !isTextType(declared) && isAccepted(format, seen)) return null;
  const detected = typeof seen === 'string' ? seen : (seen?.type ?? null);
  if (format && (await isFoundFurtherIn(format, detected, head, detector))) return null;
  if (isTextType(declared)) return textMismatch(declared, detected, head);
  if (!format) return unknownMismatch(declared, detected, named);
  if (format.holds.some((held) => isTextType(held) && textMismatch(held, detected, head) === null)) return null;
  if (detected !== null) return detected;
  if (hasOwnMagic(format, head)) return null;
  if (!format.signatureIsOptional && isTold(format, detector)) return unrecognised;
  // Nothing tells files of this format. Of media so much is known: they are not text.
  return isMedia(declared) && !named && decodeText(head) !== null ? unrecognised : null;
}

/** What the bytes are of: a format of the table, a type that is not in it, or null. Text disproves what only looks so. */
async function detectFormat(declared: string, head: Uint8Array, detector: Detector): Promise<Format | string | null> {
  const type = await detector.detect(head);
  const seen = type === null ? detectByMagic(head) : formatOf(type);
  if (seen === undefined) return type;
  return seen && isDisprovedByText(seen, isTextType(declared), head) ? null : seen;
}

/** Whether something at the beginning of a file of this format would tell it. */
function isTold(format: Format, detector: Detector): boolean {
  return acceptedFormats(format).some(
    ({ magic, type, also }) => magic.length > 0 || [type, ...also].some((one) => detector.recognises(one)),
  );
}

/** Headers that readers look for, and do not expect at the first byte. */
const laterHeaders = [
  ['application/pdf', '%PDF-'],
  ['application/postscript', '%!PS'],
] as const;

function accepts(format: Format, type: string): boolean {
  const seen = formatOf(type);
  return seen !== undefined && isAccepted(format, seen);
}

/** Files that begin with something else, and are what they say all the same. */
async function isFoundFurtherIn(
  format: Format,
  detected: string | null,
  head: Uint8Array,
  detector: Detector,
): Promise<boolean> {
  if (format.type === 'image/svg+xml') return detected === 'application/gzip' && isCompressedSvg(head);
  if (
    detected === null &&
    laterHeaders.some(([type, header]) => accepts(format, type) && hasHeaderBehindJunk(head, header))
  )
    return true;
  if (detected === null && format.type === 'video/mp2t') return hasTransportPackets(head);
  if (!format.id3) return false;
  const end = endOfId3(head);
  // The tag is longer than what was read, and nobody knows what follows it.
  if (end >= head.length) return true;
  if (end > 0) {
    const rest = withoutLeadingZeros(head.subarray(end));
    const type = (await detector.detect(rest)) ?? detectByMagic(rest)?.type;
    const seen = type === undefined ? undefined : formatOf(type);
    if (seen) return isAccepted(format, seen);
    return hasOwnMagic(format, rest) || hasAudioFrames(rest);
  }
  if (detected !== null || format.container !== 'audio/mpeg') return false;
  const rest = withoutLeadingZeros(head);
  return rest.length === 0 ? head.length >= headBytes : hasAudioFrames(rest);
}

const zipNames = /^application\/vnd\.(openxmlformats-officedocument|oasis\.opendocument)\.|\+zip$/;

/** A type that the table does not know. Its name may tell what it is made of (RFC 6839). */
function unknownMismatch(declared: string, detected: string | null, named: boolean): string | null {
  if (zipNames.test(declared)) return detected === 'application/zip' ? null : (detected ?? unrecognised);
  if (detected !== null) return generalFormats.has(detected) && !isMedia(declared) ? null : detected;
  return isMedia(declared) && !named ? unrecognised : null;
}

function isMedia(type: string): boolean {
  return /^(image|video|audio|font)\//.test(type);
}
