/** File names are written by strangers. They are shown as text, and without the characters that make text lie. */

/**
 * Controls, and the marks that reorder or hide letters: `evil<RLO>gpj.exe` would read `evilexe.jpg`. The joiner inside an
 * emoji is such a mark too, and harmless between pictographs: the group keeps it.
 */
const treacherous =
  /((?<=\p{Extended_Pictographic}|\uFE0F|\p{Emoji_Modifier})\u200D(?=\p{Extended_Pictographic}))|[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\u2028\u2029]/gu;

export function printableName(fileName: string): string {
  const kept = fileName.replace(treacherous, (_mark, joiner?: string) => joiner ?? '\uFFFD');
  return kept.trim() === '' ? '(no name)' : kept;
}

/** Long names keep both ends, where the difference usually is. */
export function shortName(fileName: string, longest = 60): string {
  const characters = [...printableName(fileName)];
  if (characters.length <= longest) return characters.join('');
  const head = Math.ceil((longest - 1) * 0.6);
  return `${characters.slice(0, head).join('')}…${characters.slice(-(longest - 1 - head)).join('')}`;
}

/** `image/jpeg` is `JPEG image`. */
export function kindOf(contentType: string): string {
  const [family = '', subtype = ''] = contentType.split('/');
  if (contentType === 'application/octet-stream' || subtype === '') return 'file';
  const short = subtype.replace(/^x-/, '').replace(/^vnd\..*[.-]/, '');
  const label = short.length <= 5 ? short.toUpperCase() : short;
  if (family === 'image' || family === 'video') return `${label} ${family}`;
  if (family === 'audio') return `${label} sound`;
  if (family === 'text') return subtype === 'plain' ? 'text' : `${label} text`;
  return label;
}
