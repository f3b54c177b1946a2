/** Shows file names. They come from strangers, so characters that reorder or hide text are replaced. */

/**
 * Control characters, and marks that reorder or hide letters: `evil<RLO>gpj.exe` would be shown as `evilexe.jpg`. The
 * first group keeps the zero-width joiner between pictographs, because it is part of emoji.
 */
const deceptiveCharacters =
  /((?<=\p{Extended_Pictographic}|\uFE0F|\p{Emoji_Modifier})\u200D(?=\p{Extended_Pictographic}))|[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\u2028\u2029]/gu;

export function printableName(fileName: string): string {
  const printable = fileName.replace(deceptiveCharacters, (_mark, joiner?: string) => joiner ?? '\uFFFD');
  return printable.trim() === '' ? '(no name)' : printable;
}

/** Shortens a long name in the middle: names that look alike usually differ at the start or the end. */
export function shortName(fileName: string, maxCharacters = 60): string {
  const characters = [...printableName(fileName)];
  if (characters.length <= maxCharacters) return characters.join('');
  const head = Math.ceil((maxCharacters - 1) * 0.6);
  return `${characters.slice(0, head).join('')}…${characters.slice(-(maxCharacters - 1 - head)).join('')}`;
}

/** `JPEG image` for `image/jpeg`. */
export function describeContentType(contentType: string): string {
  const [family = '', subtype = ''] = contentType.split('/');
  if (contentType === 'application/octet-stream' || subtype === '') return 'file';
  const short = subtype.replace(/^x-/, '').replace(/^vnd\..*[.-]/, '');
  const label = short.length <= 5 ? short.toUpperCase() : short;
  if (family === 'image' || family === 'video') return `${label} ${family}`;
  if (family === 'audio') return `${label} sound`;
  if (family === 'text') return subtype === 'plain' ? 'text' : `${label} text`;
  return label;
}

/** `JPG` for `photo.jpg`; `FILE` without an extension. */
export function extensionLabel(fileName: string): string {
  return (/\.([a-z0-9]{1,5})$/i.exec(fileName)?.[1] ?? 'file').toUpperCase();
}
