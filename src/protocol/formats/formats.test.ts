/**
 * Checks the table of formats for consistency and compares it with other tables: `file-type` (what it can detect),
 * freedesktop's shared-mime-info (Linux desktops, as installed by Debian) and `mime-db` (IANA, Apache and nginx).
 * Intended differences are listed here with their reasons.
 */
import { existsSync, readFileSync } from 'node:fs';
import { supportedExtensions, supportedMimeTypes } from 'file-type';
import mimeDb from 'mime-db/db.json' with { type: 'json' };
import { describe, expect, it } from 'vitest';
import { isContentType, isPlaceholderType } from '../content-types.ts';
import { canonicalType, formatOf, formats, formatsOfExtension, isActiveType, isSameFormat } from './index.ts';

const spellings = formats.flatMap(({ type, also }) => [type, ...also]);

describe('the table of formats', () => {
  it('has hundreds of formats and each spelling once', () => {
    expect(formats.length).toBeGreaterThan(400);
    expect(spellings.filter((type, at) => spellings.indexOf(type) !== at)).toEqual([]);
  });

  it('has only valid content types and extensions', () => {
    expect(spellings.filter((type) => !isContentType(type))).toEqual([]);
    const extensions = formats.flatMap((format) => format.extensions);
    expect(extensions.length).toBeGreaterThan(800);
    expect(extensions.filter((extension) => !/^[a-z0-9]{1,16}$/.test(extension))).toEqual([]);
  });

  it('refers only to formats and containers that exist', () => {
    const known = new Set(formats.flatMap(({ type, container }) => [type, container]));
    const named = formats.flatMap(({ of, holds }) => [...(of === undefined ? [] : [of]), ...holds]);
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter((type) => !known.has(type))).toEqual([]);
    // A type in `declaredAs` need not be in the table itself.
    expect(formats.flatMap(({ declaredAs }) => declaredAs).filter((type) => !isContentType(type))).toEqual([]);
  });

  it('displays no format inline that a browser runs', () => {
    const shown = formats.filter(({ show }) => show !== 'download');
    expect(shown.length).toBeGreaterThan(10);
    expect(shown.filter(({ active, runsOnServers }) => active || runsOnServers)).toEqual([]);
    // Text that is displayed inline must have a type that every browser treats as text:
    // https://mimesniff.spec.whatwg.org/#sniffing-a-mislabeled-binary-resource
    expect(shown.filter(({ text }) => text).map(({ type }) => type)).toEqual(['text/plain']);
  });

  it.each([
    'text/html',
    'application/xhtml+xml',
    'image/svg+xml',
    'image/svg+xml-compressed',
    'text/xml',
    'application/xml',
    'text/xsl',
    'application/xslt+xml',
    'application/mathml+xml',
    'text/javascript',
    'application/javascript',
    'application/ecmascript',
    'text/ecmascript',
    'application/x-javascript',
    'application/wasm',
    'multipart/related',
    'message/rfc822',
    'application/x-mimearchive',
    'application/anything-else+xml',
  ])('treats %s as active', (type) => {
    expect(isActiveType(type)).toBe(true);
  });

  it.each([
    ['image/jpg', 'image/jpeg'],
    ['application/x-zip-compressed', 'application/zip'],
    ['video/x-matroska', 'video/matroska'],
    ['audio/x-m4a', 'audio/mp4'],
    ['audio/x-wav', 'audio/wav'],
    ['image/vnd.microsoft.icon', 'image/x-icon'],
    ['application/x-rar-compressed', 'application/vnd.rar'],
    ['video/avi', 'video/x-msvideo'],
  ])('treats %s and %s as one format', (a, b) => {
    expect(isSameFormat(a, b)).toBe(true);
    expect(canonicalType(a)).toBe(canonicalType(b));
  });

  it.each([
    ['video/mp4', 'audio/mp4'],
    ['video/webm', 'audio/webm'],
    ['video/ogg', 'audio/ogg'],
    ['image/heic', 'image/avif'],
    ['application/zip', 'application/java-archive'],
    ['text/plain', 'text/csv'],
    ['text/xml', 'text/html'],
    ['a/unknown', 'b/unknown'],
  ])('treats %s and %s as two formats', (a, b) => {
    expect(isSameFormat(a, b)).toBe(false);
  });
});

describe('the table of formats and file-type', () => {
  it('has every type that file-type can detect', () => {
    const types = [...supportedMimeTypes].map((type) => (type.split(';')[0] as string).toLowerCase());
    expect(types.length).toBeGreaterThan(150);
    expect(types.filter((type) => !formatOf(type))).toEqual([]);
  });

  it('has every extension that file-type gives', () => {
    // A double extension: only the last one counts.
    const left = ['tar.gz'];
    const extensions = [...supportedExtensions].map((extension) => extension.toLowerCase());
    expect(extensions.length).toBeGreaterThan(150);
    expect(extensions.filter((one) => formatsOfExtension(one).length === 0 && !left.includes(one))).toEqual([]);
  });
});

const sharedMimeInfo = '/usr/share/mime';
const isHere = existsSync(`${sharedMimeInfo}/aliases`);
if (!isHere && !process.env.CI)
  console.warn('SKIPPED freedesktop: no shared-mime-info here (Debian: apt-get install shared-mime-info)');

describe.skipIf(!isHere && !process.env.CI)('against freedesktop’s shared-mime-info', () => {
  const lines = (name: string) =>
    readFileSync(`${sharedMimeInfo}/${name}`, 'utf8')
      .toLowerCase()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));

  /**
   * One format there and two formats here: a route for audio must not admit video, nor a route for images documents.
   */
  const twoFormats: ReadonlySet<string> = new Set([
    'audio/3gpp',
    'audio/3gpp-encrypted',
    'audio/3gpp2',
    'audio/x-rn-3gpp-amr',
    'audio/x-rn-3gpp-amr-encrypted',
    'audio/x-rn-3gpp-amr-wb',
    'audio/x-rn-3gpp-amr-wb-encrypted',
    'image/pdf',
  ]);

  it('has the aliases of shared-mime-info as spellings of one format', () => {
    const aliases = lines('aliases').map((line) => line.split(' ') as [string, string]);
    expect(aliases.length).toBeGreaterThan(250);
    const apart = aliases.filter(
      ([alias, type]) =>
        // `zz-application/...` are invented for Wine. No browser declares them.
        !alias.startsWith('zz-') && !twoFormats.has(alias) && (formatOf(alias) ?? formatOf(type)) !== formatOf(type),
    );
    expect(apart).toEqual([]);
    const half = aliases.filter(
      ([alias, type]) => formatOf(type) && !formatOf(alias) && !alias.startsWith('zz-') && !twoFormats.has(alias),
    );
    expect(half).toEqual([]);
  });

  /**
   * Left out: formats of emulators, trackers, programs of a single desktop, and old machines. Phones, cameras and
   * browsers do not produce them. A route that names such a type still accepts it.
   */
  const rare = new RegExp(
    [
      'x-applix|x-gimp|x-skencil|sgi-movie|psf$|psflib|iriver|amzxml|annodex|realpix|xcf|x-xfig|x-bz|x-gz|lwo|lws',
      'msod|xmf|x-xi|x-mo3|x-stm|prs[.]sid|image/(ief|rle)|macpaint|audio/usac|x-quicktime|wavpack-correction|xwindowdump|ms-modi|ms-asx|javafx|x-mod$',
    ].join('|'),
  );

  it('has the images, videos, audio files and fonts of shared-mime-info by type and by extension', () => {
    const globs = lines('globs2').flatMap((line) => {
      const [, type = '', glob = ''] = line.split(':');
      const extension = /^\*\.([a-z0-9]+)$/.exec(glob)?.[1];
      return extension && /^(image|video|audio|font)\//.test(type) && !rare.test(type) ? [{ type, extension }] : [];
    });
    expect(globs.length).toBeGreaterThan(180);
    expect(globs.filter(({ type }) => !formatOf(type))).toEqual([]);
    // Index files of a Blu-ray or a camera, and obsolete extensions.
    const leftOut = ['bdm', 'bdmv', 'clpi', 'cpi', 'mpl', 'mpls', 'qtvr', 'tpic', 'vlc'];
    const unknown = globs.filter(({ extension }) => formatsOfExtension(extension).length === 0);
    expect(unknown.map(({ extension }) => extension).sort()).toEqual(leftOut);
  });
});

describe('the table of formats and mime-db', () => {
  const entries = Object.entries(mimeDb as Record<string, { extensions?: string[] }>).flatMap(
    ([type, { extensions = [] }]) => extensions.map((extension) => ({ type, extension })),
  );

  it('gives an extension the format of mime-db, or has its type in declaredAs', () => {
    expect(entries.length).toBeGreaterThan(1000);
    const differs = entries.filter(({ type, extension }) => {
      const here = formatsOfExtension(extension);
      const format = formatOf(type);
      if (format === undefined || here.length === 0 || isPlaceholderType(type)) return false;
      return (
        !here.includes(format) && !here.some(({ declaredAs }) => declaredAs.some((one) => isSameFormat(one, type)))
      );
    });
    expect(differs.map(({ type, extension }) => `${extension} ${type}`).sort()).toEqual(
      Object.keys(otherMeanings).sort(),
    );
  });
});

/** Intended differences from mime-db. */
const otherMeanings = {
  '3gpp audio/3gpp': 'a film by its name, as freedesktop has it',
  'afm application/x-font-type1': 'the metrics of such a font are text',
  'bat application/x-msdownload': 'text, not a program file',
  'cc text/x-c': 'C++',
  'cpp text/x-c': 'C++',
  'cxx text/x-c': 'C++',
  'hh text/x-c': 'C++',
  'exe application/x-msdos-program': 'taken for a .bat by freedesktop and Firefox',
  'mht message/rfc822': 'a page with its images',
  'mhtml message/rfc822': 'a page with its images',
  'mk3d video/x-matroska': 'has a type of its own',
  'pic image/x-pict': 'more often Radiance',
  'vhd application/x-virtualbox-vhd': 'more often VHDL',
};
