import type { Row, Rows } from './format.ts';

const text = { text: true } as const;
/** XML that browsers do not display as a document, so that it is not active. */
const xml = { text: 'markup', of: 'application/xml' } as const;
/** A browser runs the file or renders it as a document. */
const active = { text: true, active: true } as const;

/** Source code that browsers do not run: `canonical type | other spellings | extensions`. */
const sources = `
text/x-typescript|application/typescript application/x-typescript text/typescript text/x.typescript|ts mts cts
text/x-python|text/x-python3 text/x-script.python application/x-python application/x-python-code|py pyw pyi pyx wsgi
text/x-java-source|text/x-java text/java|java
text/x-csrc|text/x-c text/x-chdr text/x-h|c h
text/x-c++src|text/x-c++ text/x-c++hdr text/x-cpp|cpp cc cxx hpp hh hxx ino
text/x-csharp||cs
text/rust|text/x-rust text/x-rustsrc|rs
text/x-go|text/x-gosrc|go
text/x-kotlin||kt kts
text/x-swift||swift
text/x-scala||scala sc
text/x-dart|application/vnd.dart application/dart|dart
text/x-ruby|application/x-ruby text/x-script.ruby text/ruby|rb rake gemspec
text/x-perl|application/x-perl|pl pm
text/x-lua||lua
text/x-haskell|text/x-literate-haskell|hs lhs
text/x-elixir||ex exs
text/x-erlang||erl hrl
text/x-clojure||clj cljs cljc edn
text/x-common-lisp||lisp cl asd
text/x-scheme||scm ss
text/x-emacs-lisp||el
text/x-ocaml||ml mli
text/x-fsharp||fs fsx
text/x-pascal||pas
text/x-fortran||f f90 f95 for
text/x-cobol||cob cbl
text/x-julia||jl
text/x-r|text/x-rsrc|r
text/x-matlab|text/x-octave text/x-objcsrc text/x-objc++src|m mm
text/x-groovy|text/x-gradle|groovy gradle
text/x-vb|text/vbscript text/vbs|vb vbs bas
text/x-asm||asm s
text/x-zig||zig
text/x-nim||nim
text/x-solidity||sol
text/x-verilog|text/x-svsrc text/x-svhdr|v sv svh
text/x-vhdl||vhd vhdl
text/x-makefile||mk mak
text/x-cmake||cmake
text/x-dockerfile||dockerfile
text/x-nix||nix
text/x-terraform||tf tfvars hcl
text/x-protobuf||proto
text/x-thrift||thrift
text/x-less|text/less|less
text/x-scss||scss
text/x-sass||sass
text/x-stylus||styl
text/coffeescript|text/x-coffeescript application/vnd.coffeescript|coffee
text/x-powershell||ps1 psm1
text/x-bat|application/x-bat application/bat application/x-msdos-program|bat cmd
application/x-sh|application/x-shellscript text/x-sh text/x-shellscript text/x-script.sh application/x-csh text/x-bash|sh bash zsh csh ksh fish
application/graphql||graphql gql
application/sql|text/x-sql application/x-sql text/sql|sql
text/x-tcl|text/tcl application/x-tcl|tcl tk
text/x-awk|application/x-awk|awk
text/x-diff|text/x-patch|diff patch
text/x-vala||vala vapi
text/x-d||d
text/x-crystal|text/crystal|cr
text/x-gdscript|application/x-gdscript|gd
`;

/** Source code that some web servers run: `canonical type | other spellings | extensions`. */
const serverScripts = `
text/x-php|application/x-php application/php application/x-httpd-php text/php|php phtml php3 php4 php5 phps
application/x-asp|text/asp|asp aspx
application/x-jsp||jsp
application/x-cgi||cgi
`;

/** Templates and sources that may begin with a tag: `canonical type | other spellings | extensions`. */
const templates = `
text/jsx|text/x-jsx|jsx
text/x-tsx|text/tsx|tsx
text/x-vue||vue
text/x-svelte||svelte
text/x-astro||astro
text/x-handlebars-template||hbs handlebars mustache
text/x-twig||twig
text/x-ejs||ejs erb njk liquid
text/x-pug||pug jade
text/mdx||mdx
`;

function rowsOf(lines: string, row: Row): Rows {
  return Object.fromEntries(
    lines
      .trim()
      .split('\n')
      .map((line) => {
        const [type = '', also, ext] = line.split('|');
        return [type, { ...row, ...(also && { also }), ...(ext && { ext }) }];
      }),
  );
}

export const texts: Rows = {
  'text/plain': {
    also: 'text/x-log text/x-nfo text/x-readme application/txt',
    ext: 'txt text log asc nfo conf cfg ini env properties lst gitignore srcinfo',
    show: 'inline',
    text: true,
  },
  'text/csv': {
    also: 'text/comma-separated-values text/x-comma-separated-values text/x-csv application/csv application/x-csv',
    ext: 'csv',
    // Declared by Windows with Excel.
    declaredAs: 'application/vnd.ms-excel',
    ...text,
  },
  'text/tab-separated-values': {
    also: 'text/tsv text/x-tab-separated-values text/x-tsv',
    ext: 'tsv tab',
    declaredAs: 'application/vnd.ms-excel',
    ...text,
  },
  'text/markdown': { also: 'text/x-markdown text/md', ext: 'md markdown mkd mdown', text: 'markup' },
  'text/css': { ext: 'css', ...text },
  'text/calendar': { also: 'text/x-vcalendar application/ics text/ics', ext: 'ics vcs ifb', ...text },
  'text/vcard': { also: 'text/x-vcard text/directory', ext: 'vcf vcard vct', ...text },
  'text/vtt': { ext: 'vtt', ...text },
  'application/x-subrip': { also: 'application/x-srt text/srt text/x-srt application/srt', ext: 'srt', ...text },
  'text/x-ssa': { also: 'text/x-ass', ext: 'ssa ass', ...text },
  'text/x-microdvd': { also: 'text/x-mpsub text/x-subviewer', ext: 'sub', ...text },
  'application/lrc': { also: 'text/x-lrc', ext: 'lrc', ...text },
  'application/x-sami': { ext: 'sami', ...xml },
  'application/ttml+xml': { ext: 'ttml dfxp', ...active },
  'application/json': {
    also: 'text/json application/x-json application/schema+json',
    ext: 'json map webmanifest har',
    families: 'text',
    ...text,
  },
  'application/ld+json': { ext: 'jsonld', of: 'application/json', ...text },
  'application/geo+json': { also: 'application/vnd.geo+json', ext: 'geojson', of: 'application/json', ...text },
  'application/x-ipynb+json': { ext: 'ipynb', of: 'application/json', ...text },
  'model/gltf+json': { ext: 'gltf', of: 'application/json', ...text },
  'application/x-ndjson': {
    also: 'application/ndjson application/jsonl application/x-jsonlines application/jsonlines application/x-jsonl',
    ext: 'ndjson jsonl jsonlines',
    families: 'text',
    ...text,
  },
  'application/json5': { also: 'application/jsonc', ext: 'json5 jsonc', families: 'text', ...text },
  'application/yaml': {
    also: 'text/yaml application/x-yaml text/x-yaml text/vnd.yaml',
    ext: 'yaml yml',
    families: 'text',
    ...text,
  },
  'application/toml': { also: 'text/x-toml text/toml', ext: 'toml', families: 'text', ...text },
  'application/xml': {
    also: 'text/xml',
    ext: 'xml rng xbl',
    families: 'text',
    ...active,
  },
  'text/html': { also: 'text/x-server-parsed-html', ext: 'html htm shtml hta', ...active },
  'application/xhtml+xml': { ext: 'xhtml xht', ...active },
  'application/xslt+xml': { also: 'text/xsl', declaredAs: 'application/xml', ext: 'xslt xsl', ...active },
  'application/mathml+xml': { also: 'text/mathml', ext: 'mml mathml', ...active },
  'application/rdf+xml': { also: 'text/rdf', ext: 'rdf rdfs owl', ...active },
  'application/rss+xml': { also: 'text/rss', ext: 'rss', ...active },
  'application/atom+xml': { ext: 'atom', ...active },
  'application/gpx+xml': { also: 'application/gpx application/x-gpx application/x-gpx+xml', ext: 'gpx', ...active },
  'application/vnd.google-earth.kml+xml': { also: 'application/kml application/kml+xml', ext: 'kml', ...active },
  'application/gml+xml': { ext: 'gml', ...active },
  'application/vnd.garmin.tcx+xml': { also: 'application/tcx+xml', ext: 'tcx', ...active },
  'application/xliff+xml': { also: 'application/x-xliff', ext: 'xlf xliff', ...active },
  'application/smil+xml': { also: 'application/smil', ext: 'smil smi sml', ...active },
  'text/x-opml+xml': { also: 'text/x-opml', ext: 'opml', ...active },
  'application/dash+xml': { ext: 'mpd', ...active },
  'application/xspf+xml': { also: 'application/x-xspf+xml', ext: 'xspf', ...active },
  'application/x-fictionbook+xml': { also: 'application/x-fictionbook', ext: 'fb2', ...active },
  'application/vnd.mozilla.xul+xml': { ext: 'xul', ...active },
  'application/x-apple-plist': {
    also: 'application/x-plist text/x-plist',
    ext: 'plist',
    text: 'or-binary',
    readable: true,
  },
  'text/x-xsd': { also: 'text/xsd', ext: 'xsd wsdl', declaredAs: 'application/xml', ...xml },
  'application/xml-dtd': { also: 'text/x-dtd', ext: 'dtd ent mod', ...xml },
  'application/vnd.ms-wpl': { ext: 'wpl', ...xml },
  'application/x-drawio': { also: 'application/vnd.jgraph.mxfile', ext: 'drawio', ...xml },
  'text/javascript': {
    also:
      'application/javascript application/x-javascript application/ecmascript text/ecmascript ' +
      'text/x-javascript text/jscript text/livescript application/x-ecmascript',
    ext: 'js mjs cjs jsm es',
    ...active,
  },
  'multipart/related': { also: 'application/x-mimearchive', ext: 'mhtml mht', ...active },
  'message/rfc822': { ext: 'eml', ...active },
  'application/mbox': { ext: 'mbox', ...text },
  'text/vtt+html': { ...active },
  'text/x-rst': { ext: 'rst rest', ...text },
  'text/org': { also: 'text/x-org', ext: 'org', ...text },
  'text/asciidoc': { also: 'text/x-asciidoc', ext: 'adoc asciidoc', ...text },
  'text/x-tex': {
    also: 'application/x-tex application/x-latex text/x-latex',
    ext: 'tex latex ltx sty cls dtx',
    ...text,
  },
  'text/x-bibtex': { also: 'application/x-bibtex', ext: 'bib', ...text },
  'application/x-research-info-systems': { ext: 'ris', ...text },
  'text/troff': { also: 'text/x-troff application/x-troff application/x-troff-man', ext: 'roff tr man', ...text },
  'text/sgml': { ext: 'sgml sgm', ...xml },
  'text/turtle': { ext: 'ttl', ...text },
  'application/trig': { also: 'application/x-trig', ext: 'trig', ...text },
  'text/vnd.graphviz': { ext: 'gv dot', ...text },
  'text/x-gettext-translation': { also: 'text/x-po application/x-gettext', ext: 'po pot', ...text },
  'text/x-ldif': { ext: 'ldif', ...text },
  'text/x.gcode': { also: 'text/x-gcode', ext: 'gcode gco', ...text },
  'text/x-gedcom': { also: 'text/gedcom application/x-gedcom', ext: 'ged gedcom', ...text },
  'application/vnd.chess-pgn': { also: 'application/x-chess-pgn', ext: 'pgn', ...text },
  'text/spreadsheet': { also: 'application/x-sylk', ext: 'slk sylk', declaredAs: 'application/vnd.ms-excel', ...text },
  'text/cache-manifest': { ext: 'appcache', ...text },
  'application/x-ms-regedit': { also: 'text/x-ms-regedit', ext: 'reg', ...text },
  'application/x-mswinurl': { also: 'application/internet-shortcut', ext: 'url', ...text },
  'application/x-desktop': { also: 'application/x-gnome-app-info', ext: 'desktop', ...text },
  'application/x-cue': { ext: 'cue', ...text },
  'application/x-font-bdf': { ext: 'bdf', ...text },
  'application/x-font-afm': { ext: 'afm', ...text },
  'application/x-pem-file': {
    also:
      'application/x-x509-ca-cert application/pkix-cert application/x-x509-user-cert application/pkcs8 ' +
      'application/pkcs10',
    ext: 'pem crt cer csr p8 key',
    declaredAs: 'application/vnd.apple.keynote application/pgp-keys',
    // These extensions are used for PEM, which is text, and for DER, which is binary.
    text: 'or-binary',
  },
  'application/pgp-encrypted': {
    also: 'application/pgp application/pgp-keys application/pgp-signature',
    ext: 'asc pgp gpg sig',
    text: 'or-binary',
  },
  ...rowsOf(sources, { text: true }),
  ...rowsOf(serverScripts, { text: 'markup', runsOnServers: true }),
  ...rowsOf(templates, { text: 'markup' }),
  // Translations of Qt (XML). TypeScript comes first, because it has far more files with this extension.
  'text/vnd.trolltech.linguist': { also: 'text/vnd.qt.linguist application/x-linguist', ext: 'ts', ...xml },
};
