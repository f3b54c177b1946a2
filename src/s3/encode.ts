/**
 * Percent-encoding as SigV4 wants it: RFC 3986 unreserved characters stay, every other UTF-8 byte becomes %XX in upper
 * case, `/` separates the segments of a key. https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
const unreserved = /^[A-Za-z0-9\-._~]*$/;
const unreservedPath = /^[A-Za-z0-9\-._~/]*$/;

/** `encodeURIComponent` leaves these five alone; RFC 3986 section 2.2 reserves them. */
const reservedLeftovers = /[!'()*]/g;

/** @throws URIError on a lone surrogate */
export function encodeComponent(text: string): string {
  if (unreserved.test(text)) return text;
  return encodeURIComponent(text).replace(reservedLeftovers, (char) => percent(char.charCodeAt(0)));
}

/** Encodes a key segment by segment. @throws URIError on a lone surrogate */
export function encodeKey(key: string): string {
  return unreservedPath.test(key) ? key : key.split('/').map(encodeComponent).join('/');
}

/**
 * The canonical spelling of a path or query part as it came over the wire: what clients escape differs, what they sign
 * does not. Works on bytes, so that a path which is not UTF-8 has a canonical form too. Null when an escape is broken or it holds more than bytes.
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
