const maxBytes = 255;
/**
 * Control characters, line separators, marks that reorder text, and characters without width: they can make a name look
 * like another. Joiners stay, because emoji and several scripts need them.
 */
const invisible =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this expression must find control characters
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;
/**
 * Characters that a name must not end with. Windows removes dots and spaces there: "a.html ." would become "a.html".
 * The other characters look like a space, or cannot be seen.
 */
const trailing = /[.\s\u200c\u200d]/;
/** https://learn.microsoft.com/windows/win32/fileio/naming-a-file */
const reserved = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)/i;

/** Names without any character that cleaning could change. */
const plain = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,200}[A-Za-z0-9_-]$/;

/**
 * Returns the last segment of an untrusted name, made safe to show and to save a file under: the result is not empty,
 * is no path, and is not the name of a device on Windows.
 */
export function cleanFileName(fileName: string): string {
  if (plain.test(fileName) && !reserved.test(fileName)) return fileName;
  const last =
    fileName
      .replace(/\p{Surrogate}/gu, '_')
      .split(/[/\\]/)
      .findLast((segment) => /[^.\s]/.test(segment)) ?? '';
  const name = removeTrailing(last.replace(invisible, '').replace(/[<>:"|?*]/g, '_')).trimStart();
  if (name === '') return 'file';
  return shorten(reserved.test(name) ? `_${name}` : name);
}

/** Uses a loop, because a regular expression that ends with `+$` takes quadratic time on many spaces. */
function removeTrailing(name: string): string {
  let end = name.length;
  while (end > 0 && trailing.test(name[end - 1] as string)) end -= 1;
  return name.slice(0, end);
}

/** Shortens to 255 bytes. Characters stay whole, and the extension stays. */
function shorten(name: string): string {
  if (Buffer.byteLength(name) <= maxBytes) return name;
  const extension = /\.[A-Za-z0-9]{1,16}$/.exec(name)?.[0] ?? '';
  let stem = '';
  let left = maxBytes - extension.length;
  for (const character of name.slice(0, name.length - extension.length)) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    stem += character;
  }
  // The shortened stem may end with a dot or a space.
  return (extension === '' ? removeTrailing(stem) : stem) + extension;
}
