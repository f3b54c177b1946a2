import type { Rows } from './format.ts';

/** ISO base media: recorders write audio with the brands of video, and .mov with those of .mp4. */
const isobmff = { container: 'isobmff' } as const;
const ebml = { container: 'ebml' } as const;
const asf = { container: 'asf' } as const;

export const video: Rows = {
  'video/mp4': {
    also: 'video/x-mp4 video/mp4v-es video/x-m4v video/m4v',
    ext: 'mp4 m4v mpg4 f4v f4p lrv m4s',
    ...isobmff,
    magic: '4:66747970 4:73747970 4:6d6f6f66 4:73696478',
  },
  'video/quicktime': {
    also: 'video/x-quicktime image/mov video/mov',
    ext: 'mov qt moov',
    ...isobmff,
    magic: '4:6d6f6f76 4:6d646174 4:77696465 4:66726565 4:736b6970 4:706e6f74',
  },
  'video/3gpp': { also: 'video/3gp video/3gpp-encrypted', ext: '3gp 3gpp', ...isobmff },
  'video/3gpp2': { also: 'video/3g2', ext: '3g2 3gp2 3gpp2', ...isobmff },
  'video/webm': { ext: 'webm', ...ebml },
  'video/matroska': { also: 'video/x-matroska video/mkv', ext: 'mkv mks', ...ebml, magic: '1a45dfa3' },
  'video/matroska-3d': { also: 'video/x-matroska-3d', ext: 'mk3d', ...ebml },
  'video/ogg': {
    also: 'video/x-ogg video/x-ogm video/x-ogm+ogg video/x-theora video/x-theora+ogg',
    ext: 'ogv ogm ogg',
    container: 'ogg',
  },
  'video/x-msvideo': {
    also: 'video/vnd.avi video/avi video/msvideo video/x-avi video/divx video/vnd.divx application/x-troff-msvideo',
    ext: 'avi divx avf',
    magic: '52494646........41564920',
  },
  'video/mpeg': {
    also:
      'video/mpg video/x-mpeg video/x-mpg video/mpeg-system video/x-mpeg-system video/x-mpeg2 video/mpeg2 ' +
      'video/mp1s video/mp2p video/dvd video/x-vob',
    ext: 'mpg mpeg mpe m1v m2v vob mp2v',
    magic: '000001b3 000001ba',
  },
  'video/mp2t': {
    also: 'video/vnd.dlna.mpeg-tts video/x-mts video/x-mpegts video/mpeg-ts application/x-mpegts video/avchd-stream',
    ext: 'ts mts m2ts m2t',
  },
  'video/x-ms-asf': {
    also: 'application/vnd.ms-asf video/x-ms-asf-plugin video/x-ms-wm audio/x-ms-asf',
    ext: 'asf wm',
    families: 'audio',
    ...asf,
    magic: '3026b2758e66cf11',
  },
  'video/x-ms-wmv': { also: 'video/wmv', ext: 'wmv', ...asf },
  'video/x-flv': {
    also: 'video/flv application/x-flash-video flv-application/octet-stream',
    ext: 'flv',
    magic: '464c5601',
  },
  'video/mj2': { also: 'image/mj2', ext: 'mj2 mjp2', container: 'jpeg2000' },
  'video/dv': { also: 'video/x-dv', ext: 'dv dif', magic: '1f0700', signatureIsOptional: true },
  'video/h264': {
    also: 'video/x-h264 video/avc',
    ext: 'h264 264 avc',
    magic: '0000000167 0000000127 0000000109 00000167 00000109',
  },
  'video/h265': { also: 'video/x-h265 video/hevc', ext: 'h265 265 hevc', magic: '0000000140 0000000146 00000140' },
  'video/av1': { ext: 'obu', magic: '12000a' },
  'video/x-ivf': { ext: 'ivf', magic: '444b4946' },
  'video/x-y4m': { ext: 'y4m', magic: '595556344d50454732' },
  'video/x-mjpeg': { also: 'video/mjpeg', ext: 'mjpeg mjpg', holds: 'image/jpeg' },
  'video/x-nut': { ext: 'nut', magic: '6e75742f6d756c74696d65646961' },
  'video/x-nsv': { ext: 'nsv', magic: '4e535666 4e535673' },
  'video/vnd.vivo': { also: 'video/vivo', ext: 'viv vivo' },
  'video/vnd.rn-realvideo': { also: 'video/x-real-video', ext: 'rv rvx', container: 'realmedia' },
  'application/vnd.rn-realmedia': {
    also: 'application/vnd.rn-realmedia-vbr application/x-rn-realmedia application/x-realmedia',
    ext: 'rm rmvb',
    families: 'video audio',
    container: 'realmedia',
    magic: '2e524d46',
  },
  'application/mxf': { also: 'video/mxf', ext: 'mxf', families: 'video', magic: '060e2b34' },
  'video/vnd.radgamettools.bink': { ext: 'bik bk2', magic: '42494b 4b4232' },
  'video/vnd.radgamettools.smacker': { ext: 'smk', magic: '534d4b32 534d4b34' },
  'video/x-flic': { also: 'video/fli video/x-fli', ext: 'fli flc', magic: '4:11af 4:12af' },
  'video/vnd.mpegurl': { also: 'video/x-mpegurl', ext: 'mxu m4u m1u', text: true },
};
