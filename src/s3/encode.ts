/**
 * Percent-encoding as SigV4 requires it: RFC 3986 unreserved characters stay, every other UTF-8 byte becomes %XX in
 * upper case. `/` separates the segments of a key.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
const unreserved = /^[A-Za-z0-9\-._~]*$/;
const unreservedPath = /^[A-Za-z0-9\-._~/]*$/;

/** `encodeURIComponent` does not encode these five, which RFC 3986 section 2.2 reserves. */
const reservedCharacters = /[!'()*]/g;

/** @throws URIError on a lone surrogate */
export function encodeComponent(text: string): string {
  if (unreserved.test(text)) return text;
  return encodeURIComponent(text).replace(reservedCharacters, (char) => percent(char.charCodeAt(0)));
}

/** Encodes a key segment by segment. @throws URIError on a lone surrogate */
export function encodeKey(key: string): string {
  return unreservedPath.test(key) ? key : key.split('/').map(encodeComponent).join('/');
}

/** Decodes a key from a listing with `encoding-type=url`. */
export function decodeListedKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}

/**
 * Returns the canonical encoding of a path or of a query part as it was received. Clients differ in what they escape,
 * but all sign the canonical form. It works on bytes, because a path need not be UTF-8. Returns null for a broken
 * escape or a character above U+00FF.
 */
export function canonicalEscapes(raw: string, keep: '/' | ''): string | null {
  if ((keep ? unreservedPath : unreserved).test(raw)) return raw;
  if (/%(?![0-9A-Fa-f]{2})|[\u0100-\uffff]/.test(raw)) return null;
  return raw.replace(/%([0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~]/g, (char: string, hex: string | undefined) => {
    const byte = hex === undefined ? char.charCodeAt(0) : Number.parseInt(hex, 16);
    const plain = String.fromCharCode(byte);
    return plain === keep || unreserved.test(plain) ? plain : percent(byte);
  });
}

function percent(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}
