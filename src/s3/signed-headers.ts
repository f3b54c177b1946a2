/** The signed headers of a presigned request, built in every form that signing needs at the same time. */
import type { HeaderBlock } from './sign.ts';

export interface SignedHeaders extends HeaderBlock {
  /** `names` as the value of X-Amz-SignedHeaders. */
  escapedNames: string;
  /** The headers that the client has to send: all except `host`, which follows from the URL. */
  toSend: Record<string, string>;
}

export function createSignedHeaders(): SignedHeaders {
  return { lines: '', names: '', escapedNames: '', toSend: {} };
}

/** Call it in the order of the header names. */
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
