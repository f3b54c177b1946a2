/**
 * Shortens a name to the 255 UTF-8 bytes of the protocol, because NTFS and APFS allow three times as many. The
 * extension is kept.
 */
export function shorten(fileName: string): string {
  let name = fileName;
  while (new TextEncoder().encode(name).length > 255) name = name.replace(/.(?=(\.\w{1,16})?$)/su, '');
  return name;
}
