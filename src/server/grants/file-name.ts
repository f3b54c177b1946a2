const maxBytes = 255;
/**
 * C0, DEL, C1, line separators, the marks that reorder text, and what takes no room: a name must read as what it is.
 * Joiners stay, because emoji and several scripts need them.
 */
const invisible =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;
/** Windows drops dots and spaces at the end, so that "a.html ." would become "a.html". Other spaces only look like it. */
const trailing = /[.\s\u200c\u200d]/;
/** https://learn.microsoft.com/windows/win32/fileio/naming-a-file */
const reserved = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)/i;

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
  const name = withoutTrailing(last.replace(invisible, '').replace(/[<>:"|?*]/g, '_')).trimStart();
  if (name === '') return 'file';
  return clip(reserved.test(name) ? `_${name}` : name);
}

/** In a loop, because `+$` takes the square of a long run of spaces. */
function withoutTrailing(name: string): string {
  let end = name.length;
  while (end > 0 && trailing.test(name[end - 1] as string)) end -= 1;
  return name.slice(0, end);
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
  // The cut may have come after a dot or a space.
  return (extension === '' ? withoutTrailing(stem) : stem) + extension;
}
