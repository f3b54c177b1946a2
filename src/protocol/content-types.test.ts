import { describe, expect, it } from 'vitest';
import {
  chooseSpelling,
  isContentTypeAllowed,
  isPlaceholderType,
  listOtherTypes,
  listPossibleTypes,
  resolveContentType,
} from './content-types.ts';

const xlsx = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';

describe('isContentTypeAllowed() and chooseSpelling()', () => {
  it.each([
    [['image/jpeg'], 'image/jpg'],
    [['image/jpg'], 'image/jpeg'],
    [['application/zip'], 'application/x-zip-compressed'],
    [['audio/mp4'], 'audio/x-m4a'],
    [['audio/wav'], 'audio/vnd.wave'],
    [['video/x-matroska'], 'video/matroska'],
    [['text/javascript'], 'application/javascript'],
    [['image/*'], 'image/x-canon-cr2'],
    // Types of another family that operating systems declare.
    [['image/*'], 'application/x-photoshop'],
    [['video/*'], 'application/vnd.ms-asf'],
    [['video/*'], 'application/mxf'],
    [['audio/*'], 'application/ogg'],
    [['video/*'], 'application/ogg'],
    [['font/*'], 'application/x-font-ttf'],
    [['font/*'], 'application/vnd.ms-fontobject'],
    [['text/*'], 'application/yaml'],
    [['text/*'], 'text/rtf'],
    [['application/*'], 'application/x-photoshop'],
    [['image/*'], 'image/x-unheard-of'],
    [['*/*'], 'application/x-unheard-of'],
    [undefined, 'application/x-unheard-of'],
  ])('%j admits %s', (patterns, type) => {
    expect(isContentTypeAllowed(patterns, type)).toBe(true);
  });

  it.each([
    [['audio/mp4'], 'video/mp4'],
    [['video/mp4'], 'audio/mp4'],
    [['audio/*'], 'video/mp4'],
    [['image/*'], 'image/svg+xml'],
    [['image/*'], 'image/svg'],
    [['image/*'], 'image/svg+xml-compressed'],
    [['*/*'], 'image/svg+xml'],
    [undefined, 'text/xml'],
    [['text/*'], 'text/html'],
    [['text/*'], 'text/ico'],
    [['application/*'], 'application/xhtml+xml'],
    [['application/*'], 'image/png'],
    [['image/*'], 'image/pdf+xml'],
    [['video/*'], 'application/pdf'],
    [['application/zip'], xlsx],
    [[], 'image/png'],
  ])('%j does not admit %s', (patterns, type) => {
    expect(isContentTypeAllowed(patterns, type)).toBe(false);
  });

  it.each([
    [['image/jpg'], 'image/pjpeg', 'image/jpg'],
    [['image/*'], 'image/jpg', 'image/jpeg'],
    [undefined, 'audio/x-wav', 'audio/wav'],
    [['video/x-matroska'], 'video/matroska', 'video/x-matroska'],
    [['text/*'], 'text/rtf', 'text/rtf'],
    [['*/*'], 'a/unknown', 'a/unknown'],
  ])('a route for %j stores a file that is declared as %s as %s', (patterns, declared, stored) => {
    expect(chooseSpelling(patterns, declared)).toBe(stored);
  });
});

describe('isPlaceholderType()', () => {
  it.each([
    '',
    'application/octet-stream',
    'binary/octet-stream',
    'application/x-octet-stream',
    'application/unknown',
    'application/x-unknown',
    'application/force-download',
    'unknown/unknown',
    'image/*',
    'video/*',
    '*/*',
    'image',
    'video',
  ])('"%s" is a placeholder', (type) => {
    expect(isPlaceholderType(type)).toBe(true);
  });

  it.each(['image/png', 'text/plain', 'application/zip', 'image/x-unknown-camera', 'Image/*', 'image/**', '../*'])(
    '"%s" is not a placeholder',
    (type) => {
      expect(isPlaceholderType(type)).toBe(false);
    },
  );
});

const resolved = (patterns: readonly string[] | undefined, declared: string | undefined, fileName: string) =>
  resolveContentType(patterns, declared, fileName);

describe('resolveContentType()', () => {
  it.each([
    // Placeholders: the extension decides.
    [['image/*'], 'application/octet-stream', 'IMG_0001.HEIC', 'image/heic'],
    [['image/*'], 'binary/octet-stream', 'photo.jpg', 'image/jpeg'],
    [['image/*'], 'image/*', 'photo.jfif', 'image/jpeg'],
    [['image/*'], 'image', 'photo.PNG', 'image/png'],
    [['image/*'], undefined, 'photo.webp', 'image/webp'],
    [undefined, '', 'notes.yaml', 'application/yaml'],
    [undefined, undefined, 'film.ogv', 'video/ogg'],
    [['audio/*'], '', 'song.ogg', 'audio/ogg'],
    [['video/*'], 'video/*', 'clip.ts', 'video/mp2t'],
    [['text/*'], '', 'code.ts', 'text/x-typescript'],
    [undefined, 'application/octet-stream', 'what.ever', 'application/octet-stream'],
    [undefined, undefined, 'README', 'application/octet-stream'],
    // The type is never active unless the route names it.
    [undefined, '', 'page.html', 'application/octet-stream'],
    [['text/html'], '', 'page.html', 'text/html'],
    // Some systems declare another format.
    [['text/csv'], 'application/vnd.ms-excel', 'table.csv', 'text/csv'],
    [undefined, 'application/vnd.ms-excel', 'table.csv', 'text/csv'],
    [['application/vnd.ms-excel'], 'application/vnd.ms-excel', 'table.csv', 'application/vnd.ms-excel'],
    [undefined, 'application/vnd.ms-excel', 'table.xls', 'application/vnd.ms-excel'],
    [['application/rtf'], 'application/msword', 'letter.rtf', 'application/rtf'],
    [['application/illustrator'], 'application/postscript', 'logo.ai', 'application/illustrator'],
    [['text/*'], 'video/mp2t', 'code.ts', 'text/x-typescript'],
    [['image/x-eps'], 'application/postscript', 'logo.eps', 'image/x-eps'],
    // The declared type is the general case of the format of the extension.
    [[xlsx], 'application/zip', 'table.xlsx', xlsx],
    [['text/markdown'], 'text/plain', 'README.md', 'text/markdown'],
    [['application/geo+json'], 'application/json', 'map.geojson', 'application/geo+json'],
    [['audio/ogg'], 'application/ogg', 'song.opus', 'audio/ogg'],
    // An unknown declared type does not hide a known extension.
    [['image/*'], 'application/x-made-up', 'photo.jpg', 'image/jpeg'],
    [undefined, 'application/x-made-up', 'photo.jpg', 'application/x-made-up'],
  ])('for %j, the declared type "%s" of %s is %s', (patterns, declared, fileName, contentType) => {
    expect(resolved(patterns, declared, fileName)).toMatchObject({ contentType, admitted: true });
  });

  it.each([
    [['image/*'], '', 'page.pdf', 'application/pdf'],
    [['image/*'], '', 'README', 'application/octet-stream'],
    [['image/*'], 'image/*', 'film.mp4', 'video/mp4'],
    [['image/*'], 'application/octet-stream', 'drawing.svg', 'image/svg+xml'],
    [['image/*'], 'application/pdf', 'photo.jpg', 'application/pdf'],
    [['audio/mp4'], 'video/mp4', 'sound.m4a', 'video/mp4'],
    [['text/csv'], 'application/vnd.ms-excel', 'table.xls', 'application/vnd.ms-excel'],
    [['image/jpeg'], 'text/plain', 'photo.jpg', 'text/plain'],
    [['text/html'], 'text/plain', 'page.html', 'text/plain'],
    [['application/java-archive'], 'application/zip', 'archive.zip', 'application/zip'],
    [['video/*'], 'image/*', 'photo', 'application/octet-stream'],
  ])('for %j, the declared type "%s" of %s is refused as %s', (patterns, declared, fileName, contentType) => {
    expect(resolved(patterns, declared, fileName)).toMatchObject({ contentType, admitted: false });
  });

  it('leaves the type of an image without an extension to its bytes', () => {
    // A name like those of Android's content URIs.
    expect(resolved(['image/*'], 'image/*', 'image:1000')).toEqual({
      contentType: 'application/octet-stream',
      admitted: true,
      guessed: 'by-content',
    });
    expect(resolved(['image/png'], 'image', 'photo').guessed).toBe('by-content');
  });

  it('listOtherTypes() has the types that the first bytes may select', () => {
    const any = undefined;
    const of = (contentType: string, fileName: string, guessed: 'by-extension' | false = false) =>
      listOtherTypes(any, { contentType, fileName, guessed });
    expect(of('video/mp2t', 'code.ts')).toEqual(['text/x-typescript', 'text/vnd.trolltech.linguist']);
    expect(listOtherTypes(['video/*'], { contentType: 'video/mp2t', fileName: 'code.ts', guessed: false })).toEqual([]);
    expect(of('text/csv', 'table.csv')).toEqual([]);
    expect(of('image/jpeg', 'photo.jpg', 'by-extension')).toEqual(['application/octet-stream']);
    expect(
      listOtherTypes(['image/*'], { contentType: 'image/jpeg', fileName: 'a.jpg', guessed: 'by-extension' }),
    ).toEqual([]);
    expect(of('application/vnd.apple.keynote', 'server.key')).toEqual(['application/x-pem-file']);
    expect(of('image/png', 'photo.png')).toEqual([]);
  });

  it('never resolves to an active type by the file name alone', () => {
    for (const name of ['a.html', 'a.svg', 'a.js', 'a.xml', 'a.xhtml', 'a.svgz', 'a.mht'])
      for (const declared of ['', 'application/octet-stream', 'text/plain', 'application/zip', 'text/*', 'image/*'])
        for (const patterns of [undefined, ['*/*'], ['image/*', 'text/*']]) {
          const { contentType, admitted } = resolved(patterns, declared, name);
          if (admitted) expect(contentType).toMatch(/^(application\/octet-stream|text\/plain|application\/zip)$/);
        }
  });

  it('listPossibleTypes() respects the family of a placeholder', () => {
    expect(listPossibleTypes('', 'a.jpg')).toEqual(['image/jpeg', 'application/octet-stream']);
    expect(listPossibleTypes('video/*', 'a.jpg')).toEqual([]);
  });
});
