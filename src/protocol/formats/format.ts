/** One row of the table of formats. */
export interface Format {
  /** The canonical type: the one that IANA registered if browsers use it, else the one that most systems declare. */
  readonly type: string;
  /** Other spellings of the same format. All spellings are equivalent. */
  readonly also: readonly string[];
  /** Lower case, without the dot. One extension may belong to several formats. */
  readonly extensions: readonly string[];
  /** Further families whose wildcard admits the format: `video` for `application/mxf`. */
  readonly families: readonly string[];
  /** Types of *other* formats that some systems declare for files with these extensions. */
  readonly declaredAs: readonly string[];
  /** The content check accepts formats of the same container for each other: first bytes do not distinguish them. */
  readonly container: string;
  /** The general format of which this one is a special case: `application/zip` for office documents. */
  readonly of: string | undefined;
  /** Other formats or containers whose bytes are accepted for this type: a .doc may hold RTF. */
  readonly holds: readonly string[];
  /** First bytes that identify the format. */
  readonly magic: readonly Signature[];
  /** `inline`: nothing in the file can run in the origin of the app. `viewer`: safe in another origin only. */
  readonly show: 'inline' | 'viewer' | 'download';
  /**
   * Whether files are text. `markup`: they may begin with a tag, and no browser renders them. `or-binary`: some are
   * binary.
   */
  readonly text: boolean | 'markup' | 'or-binary';
  /** A browser runs files of this format, or runs scripts in them. No wildcard admits the format. */
  readonly active: boolean;
  /** Some web servers run such files. Their extensions are not used in keys. */
  readonly runsOnServers: boolean;
  /** Files may begin with an ID3v2 tag (https://id3.org/id3v2.4.0-structure section 3). */
  readonly id3: boolean;
  /** Only some files have the signature. */
  readonly signatureIsOptional: boolean;
  /** Files may begin without control characters, so that such a beginning does not prove text. */
  readonly readable: boolean;
}

/** The bytes at `offset`; null matches any byte. */
export interface Signature {
  readonly offset: number;
  readonly bytes: readonly (number | null)[];
}

/** Lists are separated by spaces. A signature is `hex` or `offset:hex`; `..` matches any byte. */
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

/** Rows by canonical type. */
export type Rows = Readonly<Record<string, Row>>;

const splitList = (text: string | undefined) => text?.split(' ') ?? [];

export function rowToFormat(type: string, row: Row): Format {
  return {
    type,
    also: splitList(row.also),
    extensions: splitList(row.ext),
    families: splitList(row.families),
    declaredAs: splitList(row.declaredAs),
    container: row.container ?? type,
    of: row.of,
    holds: splitList(row.holds),
    magic: splitList(row.magic).map(parseSignature),
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
