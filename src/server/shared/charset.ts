/**
 * The encoding of a text file, as the parameter `charset` of its content type. It is stored with the file and sent
 * whenever the file is shown: without it a browser reads UTF-8 as windows-1252.
 */

/** The encodings that the bytes of a file identify. */
export type Charset = 'utf-8' | 'utf-16le' | 'utf-16be';

const charsets: ReadonlySet<string> = new Set<Charset>(['utf-8', 'utf-16le', 'utf-16be']);

/** Other types define their encoding, as JSON does, or declare it inside the file, as XML does. */
export function hasCharset(contentType: string): boolean {
  return contentType.startsWith('text/') && contentType !== 'text/xml';
}

/** `text/plain; charset=utf-8` */
export function withCharset(contentType: string, charset: Charset | undefined): string {
  return charset === undefined ? contentType : `${contentType}; charset=${charset}`;
}

/** The opposite of {@link withCharset}. Any other parameter is dropped. */
export function splitCharset(value: string): { contentType: string; charset: Charset | undefined } {
  const [contentType = '', ...parameters] = value.split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((one) => one.startsWith('charset='))?.slice('charset='.length);
  return { contentType, charset: isCharset(charset) ? charset : undefined };
}

export function isCharset(value: string | undefined): value is Charset {
  return value !== undefined && charsets.has(value);
}
