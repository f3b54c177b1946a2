/**
 * Receives the body of a request: decodes it, computes every digest in one pass, and compares size and digests with
 * the headers.
 */
import { decodeChunked } from './aws-chunked.ts';
import type { Call } from './call.ts';
import {
  type Algorithm,
  checkChecksumValue,
  checksumHeaderName,
  defaultAlgorithm,
  parseKnownAlgorithm,
  readChecksumRequest,
} from './checksums.ts';
import { checkDigests, createDigests, type DigestResult, readContentMd5 } from './digests.ts';
import { incompleteBody, StoreError } from './errors.ts';
import { readRequest, receiveRequest } from './request-stream.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html */
export const maxPutBytes = 5 * 1024 ** 3;

export interface Body {
  /** The announced number of decoded bytes. */
  readonly size: number;
  /** The checksum to compute: that of the request, or the default. */
  readonly algorithm: Algorithm;
  /** Whether the request contains a checksum or announces one for the trailer. */
  readonly hasChecksum: boolean;
  /** Passes the bytes to `sink`, then checks the size and the digests. @throws StoreError */
  receive(sink: (data: Buffer) => void): Promise<DigestResult>;
}

/**
 * Reads what the headers say about the body, before the client sends it.
 * @throws StoreError MissingContentLength, EntityTooLarge, InvalidDigest, InvalidRequest
 */
export function prepareBody(
  call: Call,
  options: {
    maxBytes?: number;
    algorithm?: Algorithm;
    /** For requests whose checksum headers are not about the body. */
    ignoreChecksum?: boolean;
  } = {},
): Body {
  const { headers, auth } = call;
  const payload = auth?.payload ?? { kind: 'unsigned' };
  const size = bodySize(call, payload.kind === 'streaming');
  const maxBytes = options.maxBytes ?? maxPutBytes;
  if (size > maxBytes)
    throw new StoreError('EntityTooLarge', {
      details: { ProposedSize: String(size), MaxSizeAllowed: String(maxBytes) },
    });
  const contentMd5 = readContentMd5(headers.get('content-md5'));
  const requested = options.ignoreChecksum ? undefined : readChecksumRequest(headers);
  const algorithm =
    requested?.algorithm ??
    options.algorithm ??
    (options.ignoreChecksum ? undefined : parseKnownAlgorithm(headers.get('x-amz-checksum-algorithm'))) ??
    defaultAlgorithm;
  const sha256 = payload.kind === 'sha256' ? payload.hex : undefined;

  return {
    size,
    algorithm,
    hasChecksum: requested !== undefined,
    async receive(sink) {
      call.sendContinue();
      const digests = createDigests(algorithm, {
        md5: call.store.md5Etags || contentMd5 !== undefined,
        sha256: sha256 !== undefined,
      });
      const trailer = new Map<string, string>();
      await receiveDecoded(call, trailer, (data) => {
        if (digests.size + data.length > size) throw incompleteBody();
        digests.update(data);
        sink(data);
      });
      if (digests.size !== size) throw incompleteBody();
      const actual = digests.finish();
      const checksum = requested?.inTrailer
        ? checkChecksumValue(algorithm, trailer.get(checksumHeaderName(algorithm)) ?? '')
        : requested?.expected;
      checkDigests({ algorithm, checksum, contentMd5, sha256 }, actual);
      return actual;
    },
  };
}

function bodySize({ headers }: Call, streaming: boolean): number {
  const text = headers.get(streaming ? 'x-amz-decoded-content-length' : 'content-length');
  if (text === undefined) throw new StoreError('MissingContentLength');
  if (!/^\d{1,15}$/.test(text)) throw new StoreError('BadRequest', { message: 'Content-Length must be a number.' });
  return Number(text);
}

async function receiveDecoded(
  call: Call,
  trailer: Map<string, string>,
  onBytes: (data: Buffer) => void,
): Promise<void> {
  const { auth } = call;
  if (auth?.payload.kind !== 'streaming') return receiveRequest(call, onBytes);
  const { signingKey, scope, date, signature } = auth;
  const names = auth.payload.trailer ? (call.headers.get('x-amz-trailer') ?? '').toLowerCase().split(',') : [];
  const chunks = decodeChunked(readRequest(call), {
    signing: auth.payload.signed ? { signingKey, scope, amzDate: date, seedSignature: signature } : undefined,
    trailerNames: names.map((name) => name.trim()).filter((name) => name !== ''),
    trailer,
  });
  for await (const data of chunks) onBytes(data);
}

/** Reads a small document whole. @throws StoreError MaxMessageLengthExceeded and all that {@link prepareBody} throws */
export async function readDocument(
  call: Call,
  maxBytes: number,
  options: { ignoreChecksum?: boolean } = {},
): Promise<Buffer> {
  const hasBody = call.headers.has('content-length') || call.headers.has('transfer-encoding');
  // A request without a document may also omit Content-Length.
  if (!hasBody && call.auth?.payload.kind !== 'streaming') return Buffer.alloc(0);
  const body = prepareBody(call, { ...options, maxBytes: Number.MAX_SAFE_INTEGER });
  if (body.size > maxBytes) throw new StoreError('MaxMessageLengthExceeded');
  const pieces: Buffer[] = [];
  await body.receive((data) => void pieces.push(data));
  return Buffer.concat(pieces);
}
