/** The wire takes 255 UTF-8 bytes; NTFS and APFS names may have three times as many. The extension survives. */
export function shorten(fileName: string): string {
  let name = fileName;
  while (new TextEncoder().encode(name).length > 255) name = name.replace(/.(?=(\.\w{1,16})?$)/su, '');
  return name;
}
