import type { Rows } from './format.ts';

const zip = { of: 'application/zip' } as const;
const gzip = { of: 'application/gzip' } as const;

export const archives: Rows = {
  'application/zip': {
    also:
      'application/x-zip application/x-zip-compressed application/zip-compressed ' +
      'application/x-compressed-zip multipart/x-zip',
    ext: 'zip zipx',
    magic: '504b0304 504b0506 504b0708',
  },
  'application/gzip': {
    also: 'application/x-gzip application/gzip-compressed application/gzipped application/x-gunzip application/x-gz',
    ext: 'gz',
    magic: '1f8b08',
  },
  'application/x-compressed-tar': {
    also: 'application/x-tgz application/x-gtar-compressed application/tgz',
    ext: 'tgz',
    ...gzip,
  },
  'application/x-tar': {
    also: 'application/x-gtar application/tar application/x-ustar',
    ext: 'tar gtar',
    magic: '257:7573746172',
  },
  'application/vnd.rar': {
    also: 'application/x-rar-compressed application/x-rar application/rar',
    ext: 'rar',
    magic: '526172211a07',
  },
  'application/x-7z-compressed': { also: 'application/x-7z application/7z', ext: '7z', magic: '377abcaf271c' },
  'application/x-bzip2': {
    also: 'application/x-bzip application/bzip2 application/bzip application/x-bz2',
    ext: 'bz2 bz',
    magic: '425a68',
  },
  'application/x-bzip-compressed-tar': {
    also: 'application/x-bzip2-compressed-tar',
    ext: 'tbz tbz2 tb2',
    of: 'application/x-bzip2',
  },
  'application/x-xz': { also: 'application/xz', ext: 'xz', magic: 'fd377a585a00' },
  'application/x-xz-compressed-tar': { ext: 'txz', of: 'application/x-xz' },
  'application/zstd': { also: 'application/x-zstd', ext: 'zst', magic: '28b52ffd' },
  'application/x-zstd-compressed-tar': { ext: 'tzst', of: 'application/zstd' },
  'application/x-lzma': { ext: 'lzma', magic: '5d0000..00' },
  'application/x-lz4': { ext: 'lz4', magic: '04224d18 02214c18' },
  'application/x-lzip': { also: 'application/lzip', ext: 'lz', magic: '4c5a4950' },
  'application/x-lzop': { ext: 'lzo', magic: '894c5a4f' },
  'application/x-compress': { ext: 'z', magic: '1f9d 1fa0' },
  'application/x-brotli': { also: 'application/brotli', ext: 'br' },
  'application/x-snappy-framed': { ext: 'sz', magic: 'ff060000734e61507059' },
  'application/x-lzh-compressed': {
    also: 'application/x-lha application/x-lzh',
    ext: 'lzh lha',
    magic: '2:2d6c68 2:2d6c7a',
  },
  'application/x-arj': { also: 'application/arj', ext: 'arj', magic: '60ea' },
  'application/x-ace-compressed': { also: 'application/x-ace', ext: 'ace', magic: '7:2a2a4143452a2a' },
  'application/vnd.ms-cab-compressed': { also: 'application/x-cab', ext: 'cab', magic: '4d534346 49536328' },
  'application/x-cpio': { ext: 'cpio', magic: 'c771 71c7 303730373031 303730373032 303730373037' },
  'application/x-archive': {
    also: 'application/x-unix-archive',
    ext: 'ar a lib',
    magic: '213c617263683e',
    readable: true,
  },
  'application/x-stuffit': {
    also: 'application/stuffit application/x-sit application/x-stuffitx',
    ext: 'sit sitx',
    magic: '534954 5374756666 5374756666497421',
  },
  'application/x-xar': { ext: 'xar pkg', magic: '78617221' },
  'application/x-asar': { ext: 'asar', magic: '04000000' },
  'application/x-apple-diskimage': { also: 'application/x-dmg', ext: 'dmg', signatureIsOptional: true },
  'application/x-iso9660-image': { also: 'application/x-cd-image application/iso-image', ext: 'iso iso9660' },
  'application/x-raw-disk-image': { ext: 'img' },
  'application/x-vmdk-disk': { also: 'application/x-virtualbox-vmdk', ext: 'vmdk', magic: '4b444d56' },
  'application/x-vdi-disk': { also: 'application/x-virtualbox-vdi', ext: 'vdi' },
  'application/x-vhd-disk': { also: 'application/x-virtualbox-vhd', ext: 'vpc' },
  'application/x-vhdx-disk': { also: 'application/x-virtualbox-vhdx', ext: 'vhdx', magic: '7668647866696c65' },
  'application/x-qemu-disk': { ext: 'qcow qcow2', magic: '514649fb' },
  'application/ovf': { also: 'application/x-virtualbox-ova', ext: 'ova', of: 'application/x-tar' },
  // Programs and packages. They are never displayed.
  'application/java-archive': { also: 'application/x-java-archive application/x-jar', ext: 'jar war ear', ...zip },
  'application/vnd.android.package-archive': { ext: 'apk', ...zip },
  'application/vnd.android.aab': { ext: 'aab xapk apks', ...zip },
  'application/x-ios-app': { ext: 'ipa', ...zip },
  'application/x-xpinstall': { ext: 'xpi', ...zip },
  'application/x-google-chrome-extension': { also: 'application/x-chrome-extension', ext: 'crx', magic: '43723234' },
  'application/vsix': { ext: 'vsix', ...zip },
  'application/x-nuget-package': { ext: 'nupkg', ...zip },
  'application/x-wheel+zip': { ext: 'whl', ...zip },
  'application/msix': { also: 'application/appx application/msixbundle', ext: 'msix appx', ...zip },
  'application/vnd.openofficeorg.extension': { ext: 'oxt', ...zip },
  'application/vnd.debian.binary-package': {
    also: 'application/x-debian-package application/x-deb',
    ext: 'deb udeb',
    of: 'application/x-archive',
  },
  'application/x-rpm': {
    also: 'application/x-redhat-package-manager application/x-source-rpm',
    ext: 'rpm',
    magic: 'edabeedb',
  },
  'application/vnd.flatpak': { also: 'application/vnd.xdgapp', ext: 'flatpak' },
  'application/vnd.snap': { also: 'application/vnd.squashfs', ext: 'snap sqsh', magic: '68737173' },
  'application/vnd.microsoft.portable-executable': {
    also:
      'application/x-msdownload application/x-dosexec application/x-ms-dos-executable ' +
      'application/x-msdos-program-exe application/exe application/x-exe',
    ext: 'exe dll scr sys com cpl ocx',
    magic: '4d5a',
  },
  'application/x-elf': {
    also:
      'application/x-executable application/x-sharedlib application/x-object application/x-pie-executable ' +
      'application/x-coredump',
    ext: 'elf so o appimage',
    magic: '7f454c46',
  },
  'application/x-mach-binary': { ext: 'macho dylib', magic: 'feedface feedfacf cefaedfe cffaedfe cafebabe' },
  'application/java-vm': {
    also:
      'application/x-java application/java application/java-byte-code application/x-java-class ' +
      'application/x-java-vm',
    ext: 'class',
    magic: 'cafebabe',
  },
  'application/x-python-bytecode': { ext: 'pyc pyo' },
  'application/wasm': { ext: 'wasm', magic: '0061736d', active: true },
  'application/vnd.adobe.flash.movie': {
    also: 'application/x-shockwave-flash application/futuresplash',
    ext: 'swf spl',
    magic: '465753 435753 5a5753',
  },
  'application/x.ms.shortcut': { also: 'application/x-ms-shortcut', ext: 'lnk', magic: '4c00000001140200' },
  'application/x.apple.alias': { ext: 'alias', magic: '626f6f6b00000000' },
  'application/x-nes-rom': { also: 'application/x-nintendo-nes-rom', ext: 'nes', magic: '4e45531a' },
};
