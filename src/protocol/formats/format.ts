/** One row of the table of formats. */
export interface Format {
  /** Canonical type: what IANA registered where browsers use that, else what browsers and operating systems say most. */
  readonly type: string;
  /** Other spellings of the same format. Each stands for the canonical one, and the canonical one for each. */
  readonly also: readonly string[];
  /** Lower case, without the dot. One extension may belong to several formats. */
  readonly extensions: readonly string[];
  /** Families whose wildcard admits it, beside those of its own spellings: `video` for `application/mxf`. */
  readonly families: readonly string[];
  /** Types of *other* formats that some systems declare for files with these extensions. */
  readonly declaredAs: readonly string[];
  /** Formats of one container stand for each other when the content is checked: first bytes do not tell them apart. */
  readonly container: string;
  /** The general format that this one is a special case of: `application/zip` of office documents. */
  readonly of: string | undefined;
  /** Other formats, or containers, whose bytes are legitimate under this type: a .doc may hold RTF. */
  readonly holds: readonly string[];
  /** First bytes that tell the format, see {@link Signature}. Empty: nothing does. */
  readonly magic: readonly Signature[];
  /** `inline`: nothing in it runs in the page's origin. `viewer`: safe outside of the app's own origin. Else it is saved. */
  readonly show: 'inline' | 'viewer' | 'download';
  /** Its bytes are text. `markup`: it may begin with a tag, and no browser renders it. `or-binary`: there are two kinds. */
  readonly text: boolean | 'markup' | 'or-binary';
  /** A browser runs it, or it carries script in the page's origin. A wildcard never admits it. */
  readonly active: boolean;
  /** A web server with such files in its folders would run them: their extensions stay out of keys. */
  readonly runsOnServers: boolean;
  /** Taggers write ID3v2 in front of it (https://id3.org/id3v2.4.0-structure section 3). */
  readonly id3: boolean;
  /** Only some of its files have the signature, so that its absence says nothing. */
  readonly signatureIsOptional: boolean;
  /** Its files may begin without a control character, so that such a beginning does not prove them text. */
  readonly readable: boolean;
}

/** The bytes at `offset`; null matches any byte. */
export interface Signature {
  readonly offset: number;
  readonly bytes: readonly (number | null)[];
}

/** Lists in a row are words with spaces between them. A signature is `hex`, or `offset:hex`; `..` matches any byte. */
export interface Row {
  also?: string;
  ext?: string;
  families?: string;
  declaredAs?: string;
  container?: string;
  of?: string;
  holds?: string;
  magic?: string;
  show?: Format['show'];
  text?: Format['text'];
  active?: boolean;
  runsOnServers?: boolean;
  id3?: boolean;
  signatureIsOptional?: boolean;
  readable?: boolean;
}

/** Canonical type to row. */
export type Rows = Readonly<Record<string, Row>>;

const words = (text: string | undefined) => text?.split(' ') ?? [];

export function formatOfRow(type: string, row: Row): Format {
  return {
    type,
    also: words(row.also),
    extensions: words(row.ext),
    families: words(row.families),
    declaredAs: words(row.declaredAs),
    container: row.container ?? type,
    of: row.of,
    holds: words(row.holds),
    magic: words(row.magic).map(parseSignature),
    show: row.show ?? 'download',
    text: row.text ?? false,
    active: row.active ?? false,
    runsOnServers: row.runsOnServers ?? false,
    id3: row.id3 ?? false,
    signatureIsOptional: row.signatureIsOptional ?? false,
    readable: row.readable ?? false,
  };
}

function parseSignature(text: string): Signature {
  const colon = text.indexOf(':');
  const pairs = text.slice(colon + 1).match(/../g) ?? [];
  return {
    offset: colon === -1 ? 0 : Number(text.slice(0, colon)),
    bytes: pairs.map((pair) => (pair === '..' ? null : Number.parseInt(pair, 16))),
  };
}
