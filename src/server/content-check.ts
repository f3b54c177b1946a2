import { inAFamily, isZipType, sameFamily } from './content-families.ts';
import { isTextType, textMismatch } from './text-check.ts';

/** How much of the object is looked at: what `file-type` asks for. */
export const headBytes = 4100;

/** Containers that a type nobody knows may be made of. Such a type is only ever downloaded. */
const containers: ReadonlySet<string> = new Set([
  'application/zip',
  'application/gzip',
  'application/xml',
  'application/x-cfb',
  'application/x-sqlite3',
]);

/**
 * Compares the declared type with the first bytes. Null when they agree, else what they look like.
 *
 * @param named the route names this very type, and not only a wildcard that admits it: then a media type that
 * `file-type` cannot recognise is taken at its word
 */
export async function contentMismatch(declared: string, head: Uint8Array, named: boolean): Promise<string | null> {
  // Arbitrary bytes by definition, and never shown inline.
  if (declared === 'application/octet-stream') return null;
  const detected = await detect(head);
  if (detected !== null && sameFamily(declared, detected)) return null;
  // Windows calls CSV files Excel's.
  if (declared === 'application/vnd.ms-excel' && detected === null) return textMismatch('text/csv', detected, head);
  if (isZipType(declared)) return zipMismatch(declared, detected);
  if (isTextType(declared)) return textMismatch(declared, detected, head);
  if (inAFamily(declared) || (await recognisable(declared))) return detected ?? 'something unrecognised';
  if (detected !== null) return containers.has(detected) && !isMedia(declared) ? null : detected;
  return isMedia(declared) && !named ? 'something unrecognised' : null;
}

function isMedia(type: string): boolean {
  return /^(image|video|audio|font)\//.test(type);
}

/** A plain zip may be any of them, and may call itself a zip; a document does not pass for an app. */
function zipMismatch(declared: string, detected: string | null): string | null {
  if (detected === 'application/zip') return null;
  if (detected !== null && /^application\/(x-)?zip/.test(declared) && isZipType(detected)) return null;
  return detected ?? 'something unrecognised';
}

/** Heads that `file-type` gives up on when what it wants to skip lies beyond the bytes it was given. */
const plainHeads: readonly (readonly [type: string, bytes: readonly number[]])[] = [
  ['image/png', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ['image/jpeg', [0xff, 0xd8, 0xff]],
  ['application/zip', [0x50, 0x4b, 0x03, 0x04]],
  ['application/zip', [0x50, 0x4b, 0x05, 0x06]],
  ['audio/mpeg', [0x49, 0x44, 0x33]],
  ['video/matroska', [0x1a, 0x45, 0xdf, 0xa3]],
  ['application/gzip', [0x1f, 0x8b, 0x08]],
  ['application/x-cfb', [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]],
  ['image/tiff', [0x49, 0x49, 0x2a, 0x00]],
  ['image/tiff', [0x4d, 0x4d, 0x00, 0x2a]],
  ['application/pdf', [0x25, 0x50, 0x44, 0x46, 0x2d]],
];

async function detect(head: Uint8Array): Promise<string | null> {
  // Loaded with the first completion, not with the server: it costs more than all the rest.
  const { fileTypeFromBuffer } = await import('file-type');
  const found = await fileTypeFromBuffer(head).catch(() => undefined);
  if (found) return (found.mime.split(';')[0] as string).trim().toLowerCase();
  return plainHeads.find(([, bytes]) => bytes.every((byte, index) => head[index] === byte))?.[0] ?? null;
}

async function recognisable(type: string): Promise<boolean> {
  const { supportedMimeTypes } = await import('file-type');
  return supportedMimeTypes.has(type);
}
