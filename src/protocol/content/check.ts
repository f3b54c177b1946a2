/**
 * Compares a declared type with the first bytes of a file. The server decides by it; a client can call it before it
 * sends the file. The caller passes a detector: the server uses `file-type`, a page only the signatures of the table.
 */
import { unknownType } from '../content-types.ts';
import { type Format, formatOf } from '../formats/index.ts';
import { decodeText } from './decode.ts';
import { endOfId3, hasAudioFrames, hasHeaderBehindJunk, hasTransportPackets, withoutLeadingZeros } from './leading.ts';
import { acceptedFormats, detectByMagic, hasOwnMagic, isAccepted } from './magic.ts';
import { isCompressedSvg } from './svgz.ts';
import { isDisprovedByText, isTextType, textMismatch } from './text.ts';

/** How many bytes are inspected: as many as `file-type` needs. */
export const headBytes = 4100;

export interface Detector {
  /** @returns the type of these bytes, in any spelling; null when it is not recognised */
  detect(head: Uint8Array): Promise<string | null>;
  /** Whether `detect` recognises files of this type. */
  recognises(type: string): boolean;
}

/** Leaves detection to the signatures of the table. */
export const signatureDetector: Detector = {
  detect: async () => null,
  recognises: () => false,
};

/** General formats that a file of an unknown type may consist of. Such a file is never displayed. */
const generalFormats: ReadonlySet<string> = new Set([
  'application/zip',
  'application/gzip',
  'application/xml',
  'application/x-cfb',
  'application/vnd.sqlite3',
]);

const unrecognised = 'something unrecognised';

/**
 * Compares the declared type with the first bytes.
 *
 * @param isNamed whether the route names the type, and not only a wildcard that admits it: then a media type without a
 * known signature is accepted
 * @returns null when they agree, else what the bytes look like
 */
export async function contentMismatch(
  declared: string,
  head: Uint8Array,
  isNamed: boolean,
  detector: Detector = signatureDetector,
): Promise<string | null> {
  if (declared === unknownType) return null;
  const format = formatOf(declared);
  const seen = await detectFormat(declared, head, detector);
  if (typeof seen === 'object' && format && seen && !isTextType(declared) && isAccepted(format, seen)) return null;
  const detected = typeof seen === 'string' ? seen : (seen?.type ?? null);
  if (format && (await isRecognisedFurtherIn(format, detected, head, detector))) return null;
  if (isTextType(declared)) return textMismatch(declared, detected, head);
  if (!format) return unknownTypeMismatch(declared, detected, isNamed);
  if (format.holds.some((held) => isTextType(held) && textMismatch(held, detected, head) === null)) return null;
  if (detected !== null) return detected;
  if (hasOwnMagic(format, head)) return null;
  if (!format.signatureIsOptional && isRecognisable(format, detector)) return unrecognised;
  // Files of this format have no signature. Media are at least not text.
  return isMedia(declared) && !isNamed && decodeText(head) !== null ? unrecognised : null;
}

/**
 * @returns a format of the table, a type that is not in the table, or null. Text that resembles a signature is no
 * match.
 */
async function detectFormat(declared: string, head: Uint8Array, detector: Detector): Promise<Format | string | null> {
  const type = await detector.detect(head);
  const seen = type === null ? detectByMagic(head) : formatOf(type);
  if (seen === undefined) return type;
  return seen && isDisprovedByText(seen, isTextType(declared), head) ? null : seen;
}

/** Whether the first bytes of a file of this format identify it. */
function isRecognisable(format: Format, detector: Detector): boolean {
  return acceptedFormats(format).some(
    ({ magic, type, also }) => magic.length > 0 || [type, ...also].some((one) => detector.recognises(one)),
  );
}

/** Headers that may stand behind other bytes. */
const laterHeaders = [
  ['application/pdf', '%PDF-'],
  ['application/postscript', '%!PS'],
] as const;

function accepts(format: Format, type: string): boolean {
  const seen = formatOf(type);
  return seen !== undefined && isAccepted(format, seen);
}

/** Whether the signature follows other bytes: a tag, padding, or the header of a mail or a printer. */
async function isRecognisedFurtherIn(
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
  // The tag is longer than the bytes that were read.
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

/** Compares a type that is not in the table. Its name may say what files of it consist of (RFC 6839). */
function unknownTypeMismatch(declared: string, detected: string | null, isNamed: boolean): string | null {
  if (zipNames.test(declared)) return detected === 'application/zip' ? null : (detected ?? unrecognised);
  if (detected !== null) return generalFormats.has(detected) && !isMedia(declared) ? null : detected;
  return isMedia(declared) && !isNamed ? unrecognised : null;
}

function isMedia(type: string): boolean {
  return /^(image|video|audio|font)\//.test(type);
}
