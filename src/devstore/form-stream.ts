/**
 * Parses multipart/form-data (RFC 7578) as it arrives, in constant memory: small fields are collected, and the
 * content of the first part named `file` is streamed.
 */
import { StoreError } from './errors.ts';

export interface FormHead {
  /** In order, with names as sent. Values are byte strings. */
  fields: [name: string, value: string][];
  /** Undefined when the form contains no file. */
  file: { fileName: string | undefined; contentType: string | undefined; data: AsyncIterable<Buffer> } | undefined;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html: MaxPostPreDataLengthExceeded */
const maxFieldBytes = 20_480;
const maxHeadBytes = 8192;

/** @throws StoreError PreconditionFailed for another content type */
export function readBoundary(contentType: string | undefined): string {
  const match = /^multipart\/form-data\s*;.*?boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(contentType ?? '');
  const boundary = match?.[1] ?? match?.[2];
  if (boundary !== undefined) return boundary;
  throw new StoreError('PreconditionFailed', {
    details: { Condition: 'Bucket POST must be of the enclosure-type multipart/form-data' },
  });
}

/** @throws StoreError MalformedPOSTRequest, MaxPostPreDataLengthExceeded */
export async function readForm(source: AsyncIterable<Buffer>, boundary: string): Promise<FormHead> {
  const input = createInput(source);
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  const fields: FormHead['fields'] = [];
  let total = 0;
  // The first boundary may be at the start of the body, without a line break before it.
  input.unshift(Buffer.from('\r\n'));
  await input.until(delimiter, maxHeadBytes);
  for (;;) {
    const afterBoundary = await input.until(Buffer.from('\r\n'), maxHeadBytes);
    if (afterBoundary.toString('latin1').trim() === '--') return { fields, file: undefined };
    if (afterBoundary.toString('latin1').trim() !== '') throw malformedForm();
    const part = parsePartHead(await readHead(input));
    if (part.name.toLowerCase() === 'file')
      return {
        fields,
        file: { fileName: part.fileName, contentType: part.contentType, data: input.stream(delimiter) },
      };
    const value = await input.until(delimiter, maxFieldBytes, 'MaxPostPreDataLengthExceeded');
    total += part.name.length + value.length;
    if (total > maxFieldBytes) throw new StoreError('MaxPostPreDataLengthExceeded');
    fields.push([part.name, value.toString('latin1')]);
  }
}

/** The head of a part ends with an empty line, which may be its first line. */
async function readHead(input: Input): Promise<string> {
  input.unshift(Buffer.from('\r\n'));
  return (await input.until(Buffer.from('\r\n\r\n'), maxHeadBytes)).toString('latin1');
}

function parsePartHead(head: string): { name: string; fileName: string | undefined; contentType: string | undefined } {
  const headers = new Map<string, string>();
  for (const line of head.split('\r\n')) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    if (colon < 1) throw malformedForm();
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const disposition = headers.get('content-disposition') ?? '';
  const name = readParameter(disposition, 'name');
  if (!/^form-data\b/i.test(disposition) || name === undefined) throw malformedForm();
  return { name, fileName: readParameter(disposition, 'filename'), contentType: headers.get('content-type') };
}

/** Browsers escape quotes and line breaks as %22, %0D, %0A (HTML standard, multipart/form-data encoding). */
function readParameter(disposition: string, name: string): string | undefined {
  const match = new RegExp(`;\\s*${name}=(?:"((?:\\\\.|[^"\\\\])*)"|([^;\\s]+))`, 'i').exec(disposition);
  return (match?.[1]?.replace(/\\(["\\])/g, '$1') ?? match?.[2])?.replace(/%22|%0D|%0A/gi, decodeURIComponent);
}

function malformedForm(): StoreError {
  return new StoreError('MalformedPOSTRequest');
}

interface Input {
  unshift(data: Buffer): void;
  /** Returns the bytes before the delimiter, and consumes it. */
  until(delimiter: Buffer, maxBytes: number, tooMuch?: 'MaxPostPreDataLengthExceeded'): Promise<Buffer>;
  /** Streams the bytes before the delimiter, then reads and ignores the rest of the form. */
  stream(delimiter: Buffer): AsyncIterable<Buffer>;
}

function createInput(source: AsyncIterable<Buffer>): Input {
  const iterator = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  const more = async (): Promise<void> => {
    const next = await iterator.next();
    if (next.done) throw malformedForm();
    rest = rest.length === 0 ? next.value : Buffer.concat([rest, next.value]);
  };
  return {
    unshift(data) {
      rest = Buffer.concat([data, rest]);
    },
    async until(delimiter, maxBytes, tooMuch) {
      for (;;) {
        const at = rest.indexOf(delimiter);
        if (at >= 0) {
          const found = rest.subarray(0, at);
          rest = rest.subarray(at + delimiter.length);
          return found;
        }
        if (rest.length > maxBytes + delimiter.length) throw tooMuch ? new StoreError(tooMuch) : malformedForm();
        await more();
      }
    },
    async *stream(delimiter) {
      for (;;) {
        const at = rest.indexOf(delimiter);
        if (at >= 0) {
          if (at > 0) yield rest.subarray(0, at);
          rest = rest.subarray(at + delimiter.length);
          break;
        }
        // The delimiter may begin in these bytes and end in the next ones.
        const safe = rest.length - delimiter.length + 1;
        if (safe > 0) {
          yield rest.subarray(0, safe);
          rest = rest.subarray(safe);
        }
        await more();
      }
      // S3 ignores every field after the file, but the form must have its closing boundary.
      for (let tail = rest; ; ) {
        if (tail.includes('--')) break;
        const next = await iterator.next();
        if (next.done) throw malformedForm();
        tail = Buffer.concat([tail.subarray(-1), next.value]);
      }
      while (!(await iterator.next()).done);
    },
  };
}
