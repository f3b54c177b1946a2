import type { Rows } from './format.ts';

const zip = { of: 'application/zip' } as const;

export const others: Rows = {
  // Arbitrary bytes, which are never displayed.
  'application/octet-stream': { ext: 'bin dat' },
  'font/ttf': {
    also:
      'font/sfnt application/x-font-ttf application/font-sfnt application/x-font-truetype ' +
      'application/x-truetype-font font/truetype',
    ext: 'ttf',
    container: 'sfnt',
    magic: '00010000 74727565',
  },
  'font/otf': {
    also:
      'application/x-font-otf application/vnd.ms-opentype application/x-font-opentype font/opentype ' +
      'application/font-otf',
    ext: 'otf',
    container: 'sfnt',
    magic: '4f54544f',
  },
  'font/collection': { ext: 'ttc otc', magic: '74746366' },
  'font/woff': { also: 'application/font-woff application/x-font-woff', ext: 'woff', magic: '774f4646' },
  'font/woff2': { also: 'application/font-woff2 application/x-font-woff2', ext: 'woff2', magic: '774f4632' },
  'application/vnd.ms-fontobject': {
    also: 'font/eot application/x-font-eot',
    ext: 'eot',
    families: 'font',
    magic: '34:4c50',
  },
  'application/x-font-type1': {
    also: 'font/type1 application/x-font-pfb',
    ext: 'pfb pfa',
    families: 'font',
    holds: 'application/postscript',
    magic: '8001',
  },
  'application/x-font-pcf': { ext: 'pcf', families: 'font', magic: '01666370' },
  // ASCII or binary. A binary file begins with 80 arbitrary bytes.
  'model/stl': {
    also:
      'application/sla application/vnd.ms-pki.stl model/x.stl-ascii model/x.stl-binary application/x-stl ' +
      'model/x-stl',
    ext: 'stl',
    text: 'or-binary',
  },
  'model/obj': { also: 'text/x-obj application/x-obj', ext: 'obj', declaredAs: 'application/x-tgif', text: true },
  'model/mtl': { ext: 'mtl', text: true },
  'model/gltf-binary': { also: 'model/glb', ext: 'glb', magic: '676c5446' },
  'model/3mf': { also: 'application/vnd.ms-3mfdocument', ext: '3mf', ...zip },
  'model/vnd.usdz+zip': { also: 'model/usd model/vnd.usdz', ext: 'usdz', ...zip },
  'model/step': { also: 'application/step application/x-step model/x-step', ext: 'step stp', text: true },
  'model/iges': { also: 'application/iges', ext: 'iges igs', text: true },
  'model/vrml': { also: 'model/x3d-vrml', ext: 'wrl vrml', text: true },
  'model/ply': { also: 'application/x-ply', ext: 'ply', magic: '706c79', readable: true },
  'model/vnd.collada+xml': { ext: 'dae', text: true, active: true },
  'application/x.autodesk.fbx': {
    also: 'model/fbx application/vnd.autodesk.fbx',
    ext: 'fbx',
    magic: '4b617964617261204642582042696e617279',
    readable: true,
  },
  'application/x-3ds': { also: 'image/x-3ds application/x-3dmax', ext: '3ds', magic: '4d4d' },
  'application/x-blender': { ext: 'blend', magic: '424c454e444552', holds: 'application/gzip application/zstd' },
  'application/vnd.sketchup.skp': { ext: 'skp', magic: 'fffeff0e53006b00' },
  'application/vnd.google.draco': { ext: 'drc', magic: '445241434f' },
  'application/dicom': { also: 'image/dicom-rle application/dicom+dcm', ext: 'dcm dicom', magic: '128:4449434d' },
  'application/vnd.sqlite3': {
    also: 'application/x-sqlite3 application/sqlite3',
    ext: 'sqlite sqlite3 db db3 gpkg mbtiles',
    magic: '53514c69746520666f726d6174203300',
  },
  'application/vnd.ms-access': {
    also: 'application/mdb application/msaccess application/vnd.msaccess application/x-mdb application/x-msaccess',
    ext: 'mdb accdb',
    magic: '000100005374616e64617264204a6574 000100005374616e6461726420414345',
  },
  'application/x-dbf': { also: 'application/dbase application/dbf application/x-dbase', ext: 'dbf' },
  'application/vnd.apache.parquet': {
    also: 'application/x-parquet application/parquet',
    ext: 'parquet',
    magic: '50415231',
  },
  'application/vnd.apache.arrow.file': {
    also: 'application/vnd.apache.arrow.stream',
    ext: 'arrow feather',
    magic: '4152524f5731',
  },
  'application/avro': { also: 'application/x-avro', ext: 'avro', magic: '4f626a01' },
  'application/x-hdf': { also: 'application/x-hdf5', ext: 'hdf hdf5 h5 h4', magic: '894844460d0a1a0a 0e031301' },
  'application/x-netcdf': { ext: 'nc cdf', magic: '434446', holds: 'application/x-hdf' },
  'application/x-spss-sav': {
    also: 'application/x-spss-savefile',
    ext: 'sav zsav',
    magic: '24464c32 24464c33',
    readable: true,
  },
  'application/x-jmp-data': { ext: 'jmp' },
  'application/vnd.shp': { also: 'application/x-esri-shape', ext: 'shp shx', magic: '0000270a' },
  'application/vnd.iccprofile': { also: 'application/icc', ext: 'icc icm', magic: '36:61637370' },
  'application/vnd.tcpdump.pcap': {
    also: 'application/pcap application/x-pcap application/x-pcapng',
    ext: 'pcap pcapng cap dmp',
    magic: 'd4c3b2a1 a1b2c3d4 0a0d0d0a',
  },
  'application/x-ft-windows-registry-hive': { ext: 'hive', magic: '72656766' },
  'application/x-mie': { ext: 'mie', magic: '7e10044d4945 7e18044d4945' },
  'application/x-bittorrent': { ext: 'torrent', magic: '64383a616e6e6f756e6365 64373a636f6d6d656e74', readable: true },
  'application/pkcs12': { also: 'application/x-pkcs12', ext: 'p12 pfx', magic: '3082' },
  'application/pkcs7-mime': { also: 'application/x-pkcs7-mime', ext: 'p7m p7c' },
  'application/pkcs7-signature': { also: 'application/x-pkcs7-signature', ext: 'p7s' },
  'application/x-pkcs7-certificates': { ext: 'p7b spc' },
  'application/x-protobuf': { also: 'application/protobuf', ext: 'pb' },
  'application/vnd.msgpack': { also: 'application/msgpack application/x-msgpack', ext: 'msgpack' },
  'application/cbor': { ext: 'cbor' },
};
