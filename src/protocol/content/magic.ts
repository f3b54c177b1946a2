/** Compares first bytes with the signatures of the table. */
import { type Format, formats, type Signature } from '../formats/index.ts';
import { isDisprovedByText } from './text.ts';

/** A shorter signature does not disprove the declared type: two bytes occur by chance. */
const minSignatureBytes = 3;

function matches(head: Uint8Array, { offset, bytes }: Signature): boolean {
  return bytes.every((byte, index) => byte === null || head[offset + index] === byte);
}

const signatures = formats
  .flatMap((format) => format.magic.map((signature) => ({ format, signature, length: countBytes(signature) })))
  .sort((a, b) => b.length - a.length);

function countBytes({ bytes }: Signature): number {
  return bytes.filter((byte) => byte !== null).length;
}

/** @returns the format with the longest matching signature, if that is long enough */
export function detectByMagic(head: Uint8Array): Format | null {
  const found = signatures.find(({ signature, length }) => length >= minSignatureBytes && matches(head, signature));
  return found?.format ?? null;
}

/** The formats whose bytes are accepted for a type: its own, those of its container, and those that it may hold. */
export function acceptedFormats(format: Format): readonly Format[] {
  return formats.filter((other) => isAccepted(format, other));
}

/** Whether a file of the type `format` may have the signature of `seen`. */
export function isAccepted(format: Format, seen: Format): boolean {
  if (format === seen || format.container === seen.container) return true;
  if (format.of === seen.type || seen.of === format.type) return true;
  return format.holds.some((held) => held === seen.type || held === seen.container || isContainerOf(held, seen));
}

/** The first bytes of a held document may identify only its container. */
function isContainerOf(held: string, seen: Format): boolean {
  return formats.find(({ type }) => type === held)?.of === seen.type;
}

/**
 * Whether the first bytes have the signature of a format that this type accepts, and are not text that resembles it.
 */
export function hasOwnMagic(format: Format, head: Uint8Array): boolean {
  return acceptedFormats(format).some(
    (one) => one.magic.some((signature) => matches(head, signature)) && !isDisprovedByText(one, false, head),
  );
}
