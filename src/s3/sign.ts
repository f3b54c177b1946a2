/**
 * SigV4 as one pipeline: canonical request -> string to sign -> signature. The verifier takes the same steps, so both
 * are also tested against the published vectors of AWS and against the AWS SDK.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHmac, hash } from 'node:crypto';

export const algorithm = 'AWS4-HMAC-SHA256';
export const unsignedPayload = 'UNSIGNED-PAYLOAD';
export const emptyPayload = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export interface RequestToSign {
  method: string;
  /** Encoded, as it is sent. */
  path: string;
  /** Encoded and sorted by name, without the signature. */
  query: string;
  headers: HeaderBlock;
  /**
   * Lower-case hex SHA-256 of the body, or a constant such as {@link unsignedPayload} for a body that is not hashed.
   */
  payload: string;
}

/** The signed headers in the two forms that a canonical request contains. */
export interface HeaderBlock {
  /** `name:value\n` each */
  lines: string;
  /** `name;name` */
  names: string;
}

export function canonicalRequest({ method, path, query, headers, payload }: RequestToSign): string {
  return `${method}\n${path}\n${query}\n${headers.lines}\n${headers.names}\n${payload}`;
}

/** @param headers sorted by name; names are lower case, values are trimmed */
export function headerBlock(headers: readonly (readonly [name: string, value: string])[]): HeaderBlock {
  return {
    lines: headers.map(([name, value]) => `${name}:${value}\n`).join(''),
    names: headers.map(([name]) => name).join(';'),
  };
}

/** `scope` is `day/region/service/aws4_request`. */
export function stringToSign(amzDate: string, scope: string, canonical: string | Uint8Array): string {
  return `${algorithm}\n${amzDate}\n${scope}\n${hash('sha256', canonical, 'hex')}`;
}

/** @param text a string to sign, or the base64 of a POST policy */
export function computeSignature(signingKey: Buffer, text: string): string {
  return createHmac('sha256', signingKey).update(text).digest('hex');
}

/** Every string to sign is shorter than this. A POST policy may be longer. */
const maxTextBytes = 512;

/**
 * {@link computeSignature} for a key that signs many ASCII texts. It computes the two hashes of an HMAC (RFC 2104) with
 * Node's one-shot `hash`, which takes half of the time of `createHmac`.
 */
export function createSigner(signingKey: Buffer): (text: string) => string {
  const inner = Buffer.alloc(64 + maxTextBytes, 0x36);
  const outer = Buffer.alloc(64 + 32, 0x5c);
  for (const [at, byte] of signingKey.entries()) {
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  return (text) => {
    if (text.length > maxTextBytes) return computeSignature(signingKey, text);
    const length = inner.write(text, 64, 'latin1');
    outer.write(hash('sha256', inner.subarray(0, 64 + length), 'binary'), 64, 'latin1');
    return hash('sha256', outer, 'hex');
  };
}

export interface ChunkToSign {
  signingKey: Buffer;
  amzDate: string;
  scope: string;
  /** The signature of the previous chunk; for the first chunk, that of the request. */
  previousSignature: string;
}

/** @param chunk.data the bytes of the chunk, or their SHA-256 in hex when they were hashed as they arrived */
export function chunkSignature(chunk: ChunkToSign & { data: Uint8Array | { sha256: string } }): string {
  const sha256 = chunk.data instanceof Uint8Array ? hash('sha256', chunk.data, 'hex') : chunk.data.sha256;
  return chainedSignature('AWS4-HMAC-SHA256-PAYLOAD', chunk, `${emptyPayload}\n${sha256}`);
}

/**
 * The signature of the trailing headers of `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER`. `trailer` is their canonical
 * form: `name:value\n` each, names in lower case and sorted, without `x-amz-trailer-signature`.
 */
export function trailerSignature(chunk: ChunkToSign & { trailer: string }): string {
  return chainedSignature('AWS4-HMAC-SHA256-TRAILER', chunk, hash('sha256', chunk.trailer, 'hex'));
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html */
function chainedSignature(kind: string, chunk: ChunkToSign, digests: string): string {
  const text = `${kind}\n${chunk.amzDate}\n${chunk.scope}\n${chunk.previousSignature}\n${digests}`;
  return computeSignature(chunk.signingKey, text);
}
