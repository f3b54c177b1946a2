/** The signed headers of a presigned request, in every spelling that is needed, built in one go. */
import type { HeaderBlock } from './sign.ts';

export interface SignedHeaders extends HeaderBlock {
  /** `names` as the value of X-Amz-SignedHeaders. */
  escapedNames: string;
  /** What the sender has to send: all of them but `host`, which comes with the URL. */
  toSend: Record<string, string>;
}

export function startHeaders(): SignedHeaders {
  return { lines: '', names: '', escapedNames: '', toSend: {} };
}

/** To be called in the order of the names. */
export function signHeader(headers: SignedHeaders, name: string, value: string): void {
  append(headers, name, value);
  headers.toSend[name] = value;
}

export function signHost(headers: SignedHeaders, host: string): void {
  append(headers, 'host', host);
}

function append(headers: SignedHeaders, name: string, value: string): void {
  headers.lines += `${name}:${value}\n`;
  headers.escapedNames += headers.names === '' ? name : `%3B${name}`;
  headers.names += headers.names === '' ? name : `;${name}`;
}
