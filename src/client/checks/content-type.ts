import { extensionOf } from '../../protocol/limits.ts';

/**
 * Types by extension, for files whose `type` is empty: HEIC nearly everywhere, office files on machines without an
 * office, everything in Node. The server compares with the content later; here a good guess is enough.
 * `family/ ext ext=subtype ...`: an extension alone is its own subtype.
 */
const table =
  'image/ heic heif avif webp png gif bmp jxl jpg=jpeg jpeg tif=tiff tiff svg=svg+xml ico=x-icon dng=x-adobe-dng ' +
  'video/ mp4 webm mpeg mpg=mpeg m4v=x-m4v mov=quicktime mkv=x-matroska avi=x-msvideo 3gp=3gpp ' +
  'audio/ aac flac ogg opus wav mp3=mpeg m4a=mp4 ' +
  'text/ csv txt=plain md=markdown ics=calendar vcf=vcard html css ' +
  'application/ pdf zip json xml rtf gz=gzip 7z=x-7z-compressed rar=vnd.rar tar=x-tar epub=epub+zip ' +
  'doc=msword xls=vnd.ms-excel ppt=vnd.ms-powerpoint docx=*wordprocessingml.document xlsx=*spreadsheetml.sheet ' +
  'pptx=*presentationml.presentation odt=~text ods=~spreadsheet odp=~presentation';

export function contentTypeOf(fileName: string): string {
  const extension = extensionOf(fileName);
  let family = '';
  for (const word of table.split(' ')) {
    const [name, subtype = name] = word.split('=');
    if (word.endsWith('/')) family = word;
    else if (name === extension)
      return (
        family + subtype?.replace('*', 'vnd.openxmlformats-officedocument.').replace('~', 'vnd.oasis.opendocument.')
      );
  }
  return 'application/octet-stream';
}
