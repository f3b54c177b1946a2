import type { Row, Rows } from './format.ts';

const zip = { of: 'application/zip' } as const;
const ole2 = { of: 'application/x-cfb', container: 'application/x-cfb' } as const;

const ooxml = 'application/vnd.openxmlformats-officedocument.';
const odf = 'application/vnd.oasis.opendocument.';

/** A zip, or an OLE2 container when it has a password ([MS-OFFCRYPTO] section 2.3). */
const office = (ext: string, more: Row = {}): Row => ({ ext, ...zip, holds: 'application/x-cfb', ...more });

const word = `${ooxml}wordprocessingml.document ${ooxml}wordprocessingml.template`;
const excel = `${ooxml}spreadsheetml.sheet ${ooxml}spreadsheetml.template`;
const powerPoint = ['presentation', 'slideshow', 'template'].map((kind) => `${ooxml}presentationml.${kind}`).join(' ');

export const documents: Rows = {
  'application/pdf': {
    also: 'application/x-pdf application/acrobat application/nappdf',
    ext: 'pdf fdf',
    magic: '255044462d',
    show: 'viewer',
    readable: true,
  },
  // These files are PDFs since 2002. Browsers and Windows still declare PostScript.
  'application/illustrator': {
    also: 'application/vnd.adobe.illustrator',
    ext: 'ai ait',
    declaredAs: 'application/postscript application/pdf',
    holds: 'application/pdf application/postscript',
  },
  'application/postscript': {
    also: 'application/x-postscript',
    ext: 'ps ai',
    holds: 'application/pdf',
    magic: '2521',
    readable: true,
  },
  'application/rtf': {
    also: 'text/rtf application/x-rtf text/richtext',
    ext: 'rtf rtx',
    // Declared by Windows with Word.
    declaredAs: 'application/msword',
    magic: '7b5c727466',
    readable: true,
  },
  // WordPad writes RTF as .doc, and some .doc files are renamed .docx files.
  'application/msword': {
    also: 'application/vnd.ms-word application/x-msword application/msword-template application/doc',
    ext: 'doc dot wiz',
    ...ole2,
    holds: `application/rtf ${word}`,
  },
  'application/vnd.ms-excel': {
    also: 'application/msexcel application/x-msexcel application/excel application/x-excel application/xls',
    ext: 'xls xlt xla xlw xlm xlc',
    ...ole2,
    // Excel also opens a .xls that contains text with tabs or commas.
    holds: `text/csv ${excel}`,
  },
  'application/vnd.ms-powerpoint': {
    also: 'application/mspowerpoint application/powerpoint application/x-mspowerpoint',
    ext: 'ppt pps pot ppz',
    ...ole2,
    holds: powerPoint,
  },
  'application/vnd.ms-project': { also: 'application/msproject', ext: 'mpp mpt', ...ole2 },
  'application/vnd.ms-outlook': { also: 'application/x-msg', ext: 'msg', ...ole2 },
  'application/vnd.ms-outlook-pst': { ext: 'pst ost', magic: '2142444e' },
  'application/vnd.visio': { also: 'application/visio application/x-visio', ext: 'vsd vst vss vsw', ...ole2 },
  'application/vnd.ms-publisher': { also: 'application/x-mspublisher', ext: 'pub', ...ole2 },
  'application/vnd.ms-works': { ext: 'wps wks wdb xlr', ...ole2 },
  'application/x-msi': {
    also: 'application/x-ole-storage',
    ext: 'msi msp',
    declaredAs: 'application/x-msdownload',
    ...ole2,
  },
  'application/x-hwp': {
    also: 'application/vnd.hancom.hwp application/haansofthwp application/vnd.haansoft-hwp',
    ext: 'hwp',
    ...ole2,
  },
  'application/vnd.hancom.hwpx': { also: 'application/haansofthwpx application/hwp+zip', ext: 'hwpx', ...zip },
  'application/x-cfb': { also: 'application/x-ole', ext: 'cfb', magic: 'd0cf11e0a1b11ae1' },
  [`${ooxml}wordprocessingml.document`]: office('docx'),
  [`${ooxml}wordprocessingml.template`]: office('dotx'),
  'application/vnd.ms-word.document.macroenabled.12': office('docm'),
  'application/vnd.ms-word.template.macroenabled.12': office('dotm'),
  [`${ooxml}spreadsheetml.sheet`]: office('xlsx'),
  [`${ooxml}spreadsheetml.template`]: office('xltx'),
  'application/vnd.ms-excel.sheet.macroenabled.12': office('xlsm'),
  'application/vnd.ms-excel.template.macroenabled.12': office('xltm'),
  'application/vnd.ms-excel.addin.macroenabled.12': office('xlam'),
  'application/vnd.ms-excel.sheet.binary.macroenabled.12': office('xlsb'),
  [`${ooxml}presentationml.presentation`]: office('pptx'),
  [`${ooxml}presentationml.slideshow`]: office('ppsx'),
  [`${ooxml}presentationml.template`]: office('potx'),
  [`${ooxml}presentationml.slide`]: office('sldx'),
  'application/vnd.ms-powerpoint.presentation.macroenabled.12': office('pptm'),
  'application/vnd.ms-powerpoint.slideshow.macroenabled.12': office('ppsm'),
  'application/vnd.ms-powerpoint.template.macroenabled.12': office('potm'),
  'application/vnd.ms-powerpoint.addin.macroenabled.12': office('ppam'),
  'application/vnd.ms-powerpoint.slide.macroenabled.12': office('sldm'),
  'application/vnd.ms-visio.drawing.main+xml': office('vsdx', {
    declaredAs: 'application/vnd.visio',
    also: 'application/vnd.ms-visio.drawing application/vnd.ms-visio.viewer',
  }),
  'application/vnd.ms-visio.drawing.macroenabled.main+xml': office('vsdm'),
  'application/vnd.ms-visio.stencil.main+xml': office('vssx'),
  'application/vnd.ms-visio.stencil.macroenabled.main+xml': office('vssm'),
  'application/vnd.ms-visio.template.main+xml': office('vstx'),
  'application/vnd.ms-visio.template.macroenabled.main+xml': office('vstm'),
  [`${odf}text`]: office('odt'),
  [`${odf}text-template`]: office('ott'),
  [`${odf}text-master`]: office('odm'),
  [`${odf}text-web`]: office('oth'),
  [`${odf}spreadsheet`]: office('ods'),
  [`${odf}spreadsheet-template`]: office('ots'),
  [`${odf}presentation`]: office('odp'),
  [`${odf}presentation-template`]: office('otp'),
  [`${odf}graphics`]: office('odg'),
  [`${odf}graphics-template`]: office('otg'),
  [`${odf}formula`]: office('odf'),
  [`${odf}formula-template`]: office('odft'),
  [`${odf}chart`]: office('odc'),
  [`${odf}chart-template`]: office('otc'),
  [`${odf}image`]: office('odi'),
  [`${odf}database`]: office('odb', { also: 'application/vnd.sun.xml.base application/vnd.oasis.opendocument.base' }),
  'application/vnd.sun.xml.writer': { ext: 'sxw', ...zip },
  'application/vnd.sun.xml.calc': { ext: 'sxc', ...zip },
  'application/vnd.sun.xml.impress': { ext: 'sxi', ...zip },
  'application/vnd.sun.xml.draw': { ext: 'sxd', ...zip },
  'application/vnd.apple.pages': { also: 'application/x-iwork-pages-sffpages', ext: 'pages', ...zip },
  'application/vnd.apple.numbers': { also: 'application/x-iwork-numbers-sffnumbers', ext: 'numbers', ...zip },
  'application/vnd.apple.keynote': { also: 'application/x-iwork-keynote-sffkey', ext: 'key', ...zip },
  'application/epub+zip': { ext: 'epub', ...zip },
  'application/vnd.comicbook+zip': { also: 'application/x-cbz', ext: 'cbz', declaredAs: 'application/x-cbr', ...zip },
  'application/vnd.comicbook-rar': {
    also: 'application/x-cbr',
    ext: 'cbr',
    of: 'application/vnd.rar',
    holds: 'application/zip',
  },
  'application/x-mobipocket-ebook': {
    also: 'application/x-mobi8-ebook application/vnd.amazon.ebook application/vnd.amazon.mobi8-ebook',
    ext: 'mobi azw azw3 prc kfx',
    magic: '60:424f4f4b4d4f4249 60:5445587452454164',
  },
  'application/vnd.ms-xpsdocument': { also: 'application/xps application/oxps', ext: 'xps oxps', ...zip },
  'application/vnd.google-earth.kmz': { also: 'application/kmz', ext: 'kmz', ...zip },
  'application/vnd.wordperfect': {
    also: 'application/wordperfect application/x-wordperfect',
    ext: 'wpd wp wp5 wp6',
    magic: 'ff575043',
  },
  'application/vnd.lotus-1-2-3': {
    also: 'application/x-123 application/lotus123 application/x-lotus123 application/wk1',
    ext: '123 wk1 wk3 wk4',
  },
  'application/x-mswrite': { ext: 'wri', magic: '31be 32be' },
  'application/x-indesign': { also: 'application/indesign', ext: 'indd', magic: '0606edf5' },
  'application/x-idml': { also: 'application/vnd.adobe.indesign-idml-package', ext: 'idml', ...zip },
  'application/vnd.corel-draw': {
    also: 'application/cdr application/coreldraw application/x-cdr application/x-coreldraw image/cdr image/x-cdr',
    ext: 'cdr',
    holds: 'application/zip',
    magic: '52494646........434452',
  },
  'application/vnd.framemaker': {
    also: 'application/x-frame',
    ext: 'fm',
    magic: '3c4d616b657246696c65',
    readable: true,
  },
  'application/vnd.ms-htmlhelp': { also: 'application/x-chm', ext: 'chm', magic: '49545346' },
  'application/onenote': { also: 'application/msonenote', ext: 'one onetoc2', magic: 'e4525c7b8cd8a74d' },
  'application/vnd.ms-tnef': { also: 'application/ms-tnef', ext: 'tnef tnf', magic: '789f3e22' },
  'application/vnd.apple.pkpass': { ext: 'pkpass', ...zip },
  'application/x-sketch': { also: 'application/vnd.sketch', ext: 'sketch', ...zip },
  'application/x-figma': { ext: 'fig', magic: '6669672d6b697769', ...zip },
  'application/x-xmind': { also: 'application/vnd.xmind.workbook', ext: 'xmind', ...zip },
};
