/** Signatures of the table of formats against first bytes. */
import { type Format, formats, type Signature } from '../formats/index.ts';
import { isDisprovedByText } from './text.ts';

/** Shorter ones prove nothing against another type: two bytes occur by chance. */
const tellingBytes = 3;

function matches(head: Uint8Array, { offset, bytes }: Signature): boolean {
  return bytes.every((byte, index) => byte === null || head[offset + index] === byte);
}

const signatures = formats
  .flatMap((format) => format.magic.map((signature) => ({ format, signature, length: lengthOf(signature) })))
  .sort((a, b) => b.length - a.length);

function lengthOf({ bytes }: Signature): number {
  return bytes.filter((byte) => byte !== null).length;
}

/** The format with the longest signature that these bytes have, and that is long enough to count. */
export function detectByMagic(head: Uint8Array): Format | null {
  const found = signatures.find(({ signature, length }) => length >= tellingBytes && matches(head, signature));
  return found?.format ?? null;
}

/** Formats whose bytes are right under a type: its own, those of its container, and what it may hold. */
export function acceptedFormats(format: Format): readonly Format[] {
  return formats.filter((other) => isAccepted(format, other));
}

/** Whether a file of the type `format` may look like `seen`. */
export function isAccepted(format: Format, seen: Format): boolean {
  if (format === seen || format.container === seen.container) return true;
  if (format.of === seen.type || seen.of === format.type) return true;
  return format.holds.some((held) => held === seen.type || held === seen.container || heldIn(held, seen));
}

/** The first bytes of a held document may show its container only. */
function heldIn(held: string, seen: Format): boolean {
  return formats.find(({ type }) => type === held)?.of === seen.type;
}

/** Whether the first bytes have a signature of one of the formats that this type accepts, and are not text instead. */
export function hasOwnMagic(format: Format, head: Uint8Array): boolean {
  return acceptedFormats(format).some(
    (one) => one.magic.some((signature) => matches(head, signature)) && !isDisprovedByText(one, false, head),
  );
}
