import type { Rows } from './format.ts';

/** A stream of MPEG frames. AAC in ADTS begins like MP3. */
const mpeg = { container: 'audio/mpeg', id3: true } as const;
const isobmff = { container: 'isobmff' } as const;

export const audio: Rows = {
  'audio/mpeg': {
    also: 'audio/mp3 audio/mpeg3 audio/x-mp3 audio/x-mpeg audio/x-mpeg-3 audio/x-mpeg3 audio/mpg audio/x-mpg',
    ext: 'mp3 mpga m2a m3a',
    ...mpeg,
    magic: 'fffb fff3 fff2 fffa ffe3 494433',
  },
  'audio/mp2': {
    also: 'audio/x-mp2 audio/mp1 audio/x-mp1',
    ext: 'mp2 mp1',
    declaredAs: 'audio/mpeg',
    ...mpeg,
    magic: 'fffd fffc fff4 fff5 ffff fffe',
  },
  'audio/aac': {
    also: 'audio/x-aac audio/aacp audio/x-hx-aac-adts audio/vnd.dlna.adts audio/x-adts',
    ext: 'aac adts',
    ...mpeg,
    magic: 'fff1 fff9 41444946',
  },
  'audio/mp4': {
    also: 'audio/m4a audio/x-m4a audio/x-mp4 audio/m4b audio/x-m4b audio/m4r audio/x-m4r',
    ext: 'm4a m4b m4p m4r f4a f4b mp4a',
    ...isobmff,
  },
  'audio/vnd.audible.aax': { ext: 'aax', ...isobmff },
  'audio/3gpp': {
    also:
      'audio/3gp audio/3gpp-encrypted audio/x-rn-3gpp-amr audio/x-rn-3gpp-amr-wb ' +
      'audio/x-rn-3gpp-amr-encrypted audio/x-rn-3gpp-amr-wb-encrypted',
    ext: '3ga',
    ...isobmff,
  },
  'audio/3gpp2': { also: 'audio/3g2', ...isobmff },
  'audio/webm': { ext: 'weba', container: 'ebml' },
  'audio/matroska': { also: 'audio/x-matroska', ext: 'mka', container: 'ebml' },
  'audio/ogg': {
    also:
      'audio/x-ogg audio/opus audio/vorbis audio/x-vorbis audio/x-vorbis+ogg audio/x-opus+ogg audio/speex ' +
      'audio/x-speex audio/x-speex+ogg audio/x-flac+ogg audio/x-oggflac',
    ext: 'ogg oga opus spx',
    container: 'ogg',
  },
  'application/ogg': {
    also: 'application/x-ogg',
    ext: 'ogx anx',
    families: 'audio video',
    container: 'ogg',
    magic: '4f676753',
  },
  'audio/wav': {
    also: 'audio/wave audio/x-wav audio/vnd.wave audio/x-pn-wav audio/bwf audio/x-bwf',
    ext: 'wav wave bwf rf64',
    // EBU Tech 3306: RF64 and BW64 are for sizes over 32 bits. RIFX is big-endian.
    magic: '52494646........57415645 52463634........57415645 42573634........57415645 52494658........57415645',
  },
  'audio/x-w64': { ext: 'w64', magic: '726966662e91cf11' },
  'audio/flac': { also: 'audio/x-flac', ext: 'flac', magic: '664c6143', id3: true },
  'audio/aiff': {
    also: 'audio/x-aiff audio/aif audio/x-aifc audio/x-aiffc audio/aifc',
    ext: 'aiff aif aifc aiffc',
    magic: '464f524d........41494646 464f524d........41494643',
  },
  'audio/x-caf': { also: 'audio/caf', ext: 'caf', magic: '63616666' },
  'audio/midi': {
    also: 'audio/mid audio/x-midi audio/x-mid audio/sp-midi application/x-midi',
    ext: 'mid midi kar rmi',
    magic: '4d546864 52494646........524d4944',
  },
  'audio/amr': { also: 'audio/amr-encrypted audio/x-amr', ext: 'amr', container: 'amr', magic: '2321414d52' },
  'audio/amr-wb': { also: 'audio/amr-wb-encrypted audio/amr-wb+', ext: 'awb', container: 'amr' },
  'audio/ac3': { also: 'audio/x-ac3 audio/vnd.dolby.dd-raw', ext: 'ac3', container: 'ac3', magic: '0b77', id3: true },
  'audio/eac3': { also: 'audio/x-eac3', ext: 'eac3 ec3', container: 'ac3', id3: true },
  'audio/vnd.dts': { also: 'audio/x-dts audio/dts', ext: 'dts', magic: '7ffe8001 fe7f0180 1fffe800 ff1f00e8' },
  'audio/vnd.dts.hd': { also: 'audio/x-dtshd', ext: 'dtshd', magic: '4454534844484452' },
  'audio/x-ms-wma': { also: 'audio/wma', ext: 'wma', container: 'asf' },
  'audio/vnd.rn-realaudio': {
    also: 'audio/vnd.m-realaudio audio/x-pn-realaudio audio/x-realaudio audio/realaudio',
    ext: 'ra rax ram',
    container: 'realmedia',
    magic: '2e7261fd',
  },
  'audio/basic': { also: 'audio/x-au audio/au', ext: 'au snd', magic: '2e736e64' },
  'audio/x-ape': { also: 'audio/ape audio/x-monkeys-audio', ext: 'ape', magic: '4d414320', id3: true },
  'audio/x-wavpack': { also: 'audio/wavpack', ext: 'wv wvp', magic: '7776706b', id3: true },
  'audio/x-tta': { also: 'audio/tta', ext: 'tta', magic: '54544131', id3: true },
  'audio/x-musepack': { also: 'audio/musepack', ext: 'mpc mpp', magic: '4d502b 4d50434b', id3: true },
  'audio/x-dsf': { also: 'audio/dsf audio/dsd audio/x-dsd', ext: 'dsf', magic: '44534420' },
  'audio/x-dff': { also: 'audio/dff', ext: 'dff', magic: '46524d38' },
  'audio/x-voc': { also: 'audio/voc', ext: 'voc', magic: '4372656174697665' },
  'audio/qcelp': { also: 'audio/vnd.qcelp', ext: 'qcp', magic: '52494646........514c434d' },
  'audio/x-it': { also: 'audio/it', ext: 'it', magic: '494d504d' },
  'audio/x-s3m': { also: 'audio/s3m', ext: 's3m', magic: '44:5343524d' },
  'audio/x-xm': { also: 'audio/xm', ext: 'xm', magic: '457874656e646564204d6f64756c653a20' },
  'audio/x-mod': { also: 'audio/mod', ext: 'mod', magic: '1080:4d2e4b2e', signatureIsOptional: true },
  'audio/x-gsm': { also: 'audio/gsm', ext: 'gsm' },
  'audio/l16': { ext: 'l16' },
  'audio/x-pn-audibleaudio': { also: 'audio/vnd.audible', ext: 'aa', magic: '4:57907536' },
  'audio/x-mpegurl': {
    also:
      'audio/mpegurl audio/m3u audio/x-m3u audio/x-mp3-playlist application/m3u ' +
      'application/vnd.apple.mpegurl application/x-mpegurl application/mpegurl',
    ext: 'm3u m3u8',
    text: true,
  },
  'audio/x-scpls': { also: 'audio/scpls application/pls', ext: 'pls', text: true },
  'audio/imelody': { also: 'text/x-imelody audio/x-imelody text/imelody', ext: 'imy ime', text: true },
};
