import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeChunked } from './aws-chunked.ts';

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? bytes.length;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function decode(bytes: Buffer, trailerNames: readonly string[], sizes: readonly number[] = [7]) {
  const trailer = new Map<string, string>();
  const pieces: Buffer[] = [];
  for await (const piece of decodeChunked(cut(bytes, sizes), { signing: undefined, trailerNames, trailer }))
    pieces.push(Buffer.from(piece));
  return { data: Buffer.concat(pieces), trailer: Object.fromEntries(trailer) };
}

function encode(chunks: readonly Uint8Array[], end: string): Buffer {
  const pieces = chunks
    .filter((chunk) => chunk.length > 0)
    .flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
  return Buffer.concat([...pieces, Buffer.from(`0\r\n${end}`)]);
}

describe('decodeChunked', () => {
  it('returns the bytes for every split of the input', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 2, maxLength: 4 });
    const head = fc.array(
      fc.integer({ min: 8192, max: 9000 }).map((size) => Buffer.alloc(size, size % 251)),
      { maxLength: 2 },
    );
    await fc.assert(
      fc.asyncProperty(head, fc.uint8Array({ maxLength: 60 }), sizes, async (large, last, cuts) => {
        const chunks = [...large, last];
        const { data, trailer } = await decode(encode(chunks, 'X-Check: abc=\r\n\r\n'), ['x-check'], cuts);
        expect(data.equals(Buffer.concat(chunks))).toBe(true);
        expect(trailer).toEqual({ 'x-check': 'abc=' });
      }),
    );
  });

  it.each([
    ['a trailer that was not announced', 'x-other: 1\r\n\r\n', 'MalformedTrailerError'],
    ['an announced trailer that is missing', '\r\n', 'MalformedTrailerError'],
    ['a trailer twice', 'x-check: 1\r\nx-check: 2\r\n\r\n', 'MalformedTrailerError'],
    ['a trailer without a colon', 'x-check\r\n\r\n', 'MalformedTrailerError'],
    ['bytes behind the end', 'x-check: 1\r\n\r\nmore', 'IncompleteBody'],
  ])('refuses %s', async (_, end, code) => {
    await expect(decode(encode([Buffer.from('abc')], end), ['x-check'])).rejects.toMatchObject({ code });
  });

  it.each(['', '5\r\nabc', 'zz\r\nabc\r\n0\r\n\r\n', '3\r\nabcde\r\n0\r\n\r\n', '3\r\nabc\r\n', 'x'.repeat(10_000)])(
    'refuses the frame %#',
    async (text) => {
      await expect(decode(Buffer.from(text), [])).rejects.toMatchObject({ code: 'IncompleteBody' });
    },
  );

  it('refuses a chunk under 8 KiB unless it is the last', async () => {
    const [small, large] = [Buffer.alloc(8191), Buffer.alloc(8192)];
    await expect(decode(encode([small, Buffer.alloc(1)], '\r\n'), [])).rejects.toMatchObject({
      code: 'InvalidChunkSizeError',
      details: { Chunk: '2', BadChunkSize: '8191' },
    });
    expect((await decode(encode([large, small], '\r\n'), [], [4096])).data.length).toBe(16_383);
  });

  it('requires a signature on every chunk of a signed stream', async () => {
    const signing = { signingKey: Buffer.alloc(32), scope: 's', amzDate: 'd', seedSignature: '0' };
    const read = async () => {
      const bytes = encode([Buffer.from('abc')], '\r\n');
      for await (const _ of decodeChunked(cut(bytes, [5]), { signing, trailerNames: [], trailer: new Map() }));
    };
    await expect(read()).rejects.toMatchObject({ code: 'SignatureDoesNotMatch' });
  });
});
