const maxBytes = 255;
/** C0, DEL, C1, line separators, and the marks that reorder text: a name must read as what it is. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const invisible = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
/** https://learn.microsoft.com/windows/win32/fileio/naming-a-file */
const reserved = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;

/** Most names, which need nothing. */
const plain = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,200}[A-Za-z0-9_-]$/;

/** The last segment of a hostile name, safe to show and to save under: never empty, never a path, never a device. */
export function cleanFileName(fileName: string): string {
  if (plain.test(fileName) && !reserved.test(fileName)) return fileName;
  const last =
    fileName
      .replace(/\p{Surrogate}/gu, '_')
      .split(/[/\\]/)
      .findLast((segment) => /[^.\s]/.test(segment)) ?? '';
  const name = last
    .replace(invisible, '')
    .replace(/[<>:"|?*]/g, '_')
    // Windows drops them, so "a.html ." would become "a.html".
    .replace(/[. ]+$/, '')
    .trim();
  if (name === '') return 'file';
  return clip(reserved.test(name) ? `_${name}` : name);
}

/** At most 255 bytes, whole characters, the extension kept. */
function clip(name: string): string {
  if (Buffer.byteLength(name) <= maxBytes) return name;
  const extension = /\.[A-Za-z0-9]{1,16}$/.exec(name)?.[0] ?? '';
  let stem = '';
  let left = maxBytes - extension.length;
  for (const character of name.slice(0, name.length - extension.length)) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    stem += character;
  }
  return stem + extension;
}
