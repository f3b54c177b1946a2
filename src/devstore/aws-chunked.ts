/**
 * Decodes an `aws-chunked` body: chunks, each with an optional signature, and trailing headers after the last one.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { chunkSignature, trailerSignature } from '../s3/internal.ts';
import { incompleteBody, StoreError } from './errors.ts';

export interface ChunkedOptions {
  /** Verifies each chunk; undefined when chunks carry no signature. */
  signing: { signingKey: Buffer; scope: string; amzDate: string; seedSignature: string } | undefined;
  /** Lower-case names from `x-amz-trailer`; empty when no trailer is allowed. */
  trailerNames: readonly string[];
  /** Filled with the trailing headers. */
  trailer: Map<string, string>;
}

const maxLineBytes = 4096;
/**
 * The minimum of every chunk except the last, signed or not. AWS: "The chunk size must be at least 8 KB".
 * https://github.com/aws/aws-sdk-js-v3/issues/6949 shows it for chunks without signatures.
 */
const minChunkBytes = 8192;

/** Yields the decoded bytes. @throws StoreError for an invalid chunk, signature or trailer */
export async function* decodeChunked(source: AsyncIterable<Buffer>, options: ChunkedOptions): AsyncGenerator<Buffer> {
  const input = createInput(source);
  const { signing } = options;
  let previousSignature = signing?.seedSignature ?? '';
  let previousSize = minChunkBytes;
  for (let number = 1; ; number += 1) {
    const { size, signature } = parseChunkLine(await input.line(), signing !== undefined);
    if (size > 0 && previousSize < minChunkBytes)
      throw new StoreError('InvalidChunkSizeError', {
        details: { Chunk: String(number), BadChunkSize: String(previousSize) },
      });
    previousSize = size;
    const hash = signing ? createHash('sha256') : undefined;
    for (let left = size; left > 0; ) {
      const data = await input.take(left);
      hash?.update(data);
      left -= data.length;
      yield data;
    }
    if (signing && hash) {
      const expected = chunkSignature({ ...signing, previousSignature, data: { sha256: hash.digest('hex') } });
      requireSame(signature ?? '', expected);
      previousSignature = expected;
    }
    if (size === 0) break;
    if ((await input.line()) !== '') throw incompleteBody();
  }
  await readTrailer(input, options, previousSignature);
  if (!(await input.atEnd())) throw incompleteBody();
}

/** `size-in-hex` or `size-in-hex;chunk-signature=signature`. */
function parseChunkLine(line: string, signed: boolean): { size: number; signature: string | undefined } {
  const match = /^([0-9a-fA-F]{1,13})\s*(?:;\s*chunk-signature=([0-9a-f]{64}))?$/.exec(line);
  if (!match) throw incompleteBody();
  if (signed && match[2] === undefined) throw new StoreError('SignatureDoesNotMatch');
  return { size: Number.parseInt(match[1] ?? '', 16), signature: match[2] };
}

async function readTrailer(input: Input, options: ChunkedOptions, previousSignature: string): Promise<void> {
  const { signing, trailerNames, trailer } = options;
  let signature: string | undefined;
  // Some signers omit the empty line at the end.
  while (!(await input.atEnd())) {
    const line = await input.line();
    if (line === '') {
      // Other signers send an empty line between the headers and the signature of the trailer.
      if (signing && trailerNames.length > 0 && signature === undefined && !(await input.atEnd())) continue;
      break;
    }
    const colon = line.indexOf(':');
    if (colon < 1) throw new StoreError('MalformedTrailerError');
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'x-amz-trailer-signature') signature = value;
    else if (!trailerNames.includes(name) || trailer.has(name)) throw new StoreError('MalformedTrailerError');
    else trailer.set(name, value);
  }
  if (trailerNames.some((name) => !trailer.has(name))) throw new StoreError('MalformedTrailerError');
  if (!signing || trailerNames.length === 0) return;
  const canonical = [...trailer.keys()]
    .sort()
    .map((name) => `${name}:${trailer.get(name)}\n`)
    .join('');
  requireSame(signature ?? '', trailerSignature({ ...signing, previousSignature, trailer: canonical }));
}

function requireSame(given: string, expected: string): void {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  if (a.length !== b.length || !timingSafeEqual(a, b)) throw new StoreError('SignatureDoesNotMatch');
}

interface Input {
  /** The next line, without its CRLF. */
  line(): Promise<string>;
  /** The next 1 to `limit` bytes. */
  take(limit: number): Promise<Buffer>;
  atEnd(): Promise<boolean>;
}

function createInput(source: AsyncIterable<Buffer>): Input {
  const iterator = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  const more = async (): Promise<boolean> => {
    const next = await iterator.next();
    if (next.done) return false;
    rest = rest.length === 0 ? next.value : Buffer.concat([rest, next.value]);
    return true;
  };
  return {
    async line() {
      for (;;) {
        const end = rest.indexOf('\r\n');
        if (end >= 0) {
          const line = rest.toString('latin1', 0, end);
          rest = rest.subarray(end + 2);
          return line;
        }
        if (rest.length > maxLineBytes || !(await more())) throw incompleteBody();
      }
    },
    async take(limit) {
      if (rest.length === 0 && !(await more())) throw incompleteBody();
      const data = rest.subarray(0, limit);
      rest = rest.subarray(data.length);
      return data;
    },
    async atEnd() {
      return rest.length === 0 && !(await more());
    },
  };
}
