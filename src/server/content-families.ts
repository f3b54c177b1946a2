/**
 * Which declared types may be which detected ones. Browsers, phones and `file-type` spell the same format in many ways,
 * and one container holds several types; the members of a family stand for each other. A table, tested against real
 * file heads in `content-check.test.ts`.
 */
const families: readonly (readonly string[])[] = [
  ['image/jpeg', 'image/jpg', 'image/pjpeg'],
  ['image/png', 'image/x-png', 'image/apng', 'image/vnd.mozilla.apng'],
  ['image/bmp', 'image/x-bmp', 'image/x-ms-bmp'],
  ['image/x-icon', 'image/vnd.microsoft.icon', 'image/ico'],
  // ISO/IEC 23008-12: the brand "mif1" alone does not tell HEIC from AVIF.
  ['image/heic', 'image/heif', 'image/heic-sequence', 'image/heif-sequence', 'image/avif', 'image/avif-sequence'],
  // Cameras' raw files are TIFFs.
  [
    'image/tiff',
    'image/tif',
    'image/dng',
    'image/x-adobe-dng',
    'image/x-canon-cr2',
    'image/x-nikon-nef',
    'image/x-sony-arw',
    'image/x-olympus-orf',
    'image/x-panasonic-rw2',
    'image/x-pentax-pef',
  ],
  ['image/jp2', 'image/jpx', 'image/jpm', 'image/jpeg2000', 'image/j2c'],
  ['image/vnd.adobe.photoshop', 'image/x-photoshop', 'application/x-photoshop', 'image/psd'],
  // ISO base media: recorders write audio under video brands, and .mov under .mp4's.
  [
    'video/mp4',
    'video/quicktime',
    'video/x-m4v',
    'video/3gpp',
    'video/3gpp2',
    'audio/mp4',
    'audio/m4a',
    'audio/x-m4a',
    'audio/x-m4b',
    'audio/3gpp',
    'audio/3gpp2',
  ],
  ['video/webm', 'audio/webm', 'video/matroska', 'video/x-matroska', 'audio/matroska', 'audio/x-matroska'],
  ['audio/ogg', 'video/ogg', 'application/ogg', 'audio/opus', 'audio/vorbis', 'audio/x-vorbis+ogg', 'audio/x-opus+ogg'],
  ['audio/wav', 'audio/wave', 'audio/x-wav', 'audio/vnd.wave', 'audio/x-pn-wav'],
  // A stream of MPEG frames: AAC in ADTS starts like MP3.
  [
    'audio/mpeg',
    'audio/mp3',
    'audio/mpeg3',
    'audio/x-mp3',
    'audio/x-mpeg',
    'audio/x-mpeg-3',
    'audio/aac',
    'audio/x-aac',
    'audio/aacp',
    'audio/x-hx-aac-adts',
    'audio/vnd.dlna.adts',
  ],
  ['audio/flac', 'audio/x-flac'],
  ['audio/aiff', 'audio/x-aiff'],
  ['audio/midi', 'audio/mid', 'audio/x-midi', 'audio/sp-midi'],
  ['audio/amr', 'audio/amr-wb'],
  ['video/vnd.avi', 'video/x-msvideo', 'video/avi', 'video/msvideo'],
  ['video/mpeg', 'video/x-mpeg', 'video/mp1s', 'video/mp2p'],
  ['video/mp2t', 'video/vnd.dlna.mpeg-tts', 'video/x-mts'],
  ['video/x-ms-asf', 'video/x-ms-wmv', 'audio/x-ms-wma', 'audio/x-ms-asf', 'application/vnd.ms-asf'],
  ['application/pdf', 'application/x-pdf', 'application/illustrator', 'application/vnd.adobe.illustrator'],
  ['application/postscript', 'application/eps', 'application/x-eps', 'image/x-eps'],
  ['application/rtf', 'text/rtf', 'text/richtext'],
  ['application/gzip', 'application/x-gzip', 'application/x-tgz', 'application/x-compressed-tar'],
  ['application/x-rar-compressed', 'application/vnd.rar', 'application/x-rar'],
  ['application/x-bzip2', 'application/x-bzip', 'application/bzip2'],
  ['application/x-sqlite3', 'application/vnd.sqlite3'],
  ['application/x-msdownload', 'application/x-dosexec', 'application/vnd.microsoft.portable-executable'],
  ['application/x-tar', 'application/x-gtar'],
  ['application/zstd', 'application/x-zstd'],
  ['application/x-debian-package', 'application/vnd.debian.binary-package', 'application/x-deb'],
  ['font/ttf', 'font/sfnt', 'application/x-font-ttf', 'application/font-sfnt'],
  ['font/otf', 'application/x-font-otf', 'application/vnd.ms-opentype'],
  ['font/woff', 'application/font-woff', 'application/x-font-woff'],
  ['text/vcard', 'text/x-vcard', 'text/directory'],
  ['text/calendar', 'text/x-vcalendar'],
  ['model/gltf-binary', 'model/glb'],
  // OLE2 compound files: the old Office, Outlook and installers.
  [
    'application/x-cfb',
    'application/msword',
    'application/vnd.ms-excel',
    'application/vnd.ms-powerpoint',
    'application/vnd.ms-project',
    'application/vnd.ms-outlook',
    'application/vnd.visio',
    'application/x-msi',
    'application/x-ole-storage',
  ],
];

const familyOf: ReadonlyMap<string, number> = new Map(
  families.flatMap((family, index) => family.map((type) => [type, index] as const)),
);

/** Zip archives with another name. Their own magic is an entry that may lie past the first bytes. */
const zipTypes: ReadonlySet<string> = new Set([
  'application/zip',
  'application/x-zip',
  'application/x-zip-compressed',
  'application/java-archive',
  'application/vnd.android.package-archive',
  'application/x-xpinstall',
  'application/vnd.apple.pages',
  'application/vnd.apple.numbers',
  'application/vnd.apple.keynote',
  'application/vnd.google-earth.kmz',
  'application/x-iwork-pages-sffpages',
  'application/x-iwork-numbers-sffnumbers',
  'application/x-iwork-keynote-sffkey',
  'model/3mf',
]);

const zipPatterns =
  /^application\/vnd\.(openxmlformats-officedocument|oasis\.opendocument|ms-[a-z]+\..*macroenabled)|\+zip$/;

export function isZipType(type: string): boolean {
  return zipTypes.has(type) || zipPatterns.test(type);
}

export function sameFamily(a: string, b: string): boolean {
  if (a === b) return true;
  const family = familyOf.get(a);
  return family !== undefined && family === familyOf.get(b);
}

export function inAFamily(type: string): boolean {
  return familyOf.has(type);
}
