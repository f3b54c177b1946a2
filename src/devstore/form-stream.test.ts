import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBoundary, readForm } from './form-stream.ts';

const boundary = '----bound';

function form(parts: readonly { name: string; value: Buffer; fileName?: string }[]): Buffer {
  const pieces = parts.flatMap(({ name, value, fileName }) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${fileName === undefined ? '' : `; filename="${fileName}"\r\nContent-Type: image/png`}\r\n\r\n`,
    ),
    value,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
}

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? bytes.length;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
/** Bytes that often look like a part of the boundary. */
const tricky = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(...['\r\n', '--', `\r\n--${boundary.slice(0, 5)}`, boundary].map((text) => Buffer.from(text))),
    ),
    { maxLength: 20 },
  )
  .map((pieces) => Buffer.concat(pieces))
  .filter(
    (bytes) =>
      !bytes.includes(`\r\n--${boundary}`) &&
      !Buffer.concat([Buffer.from('\r\n'), bytes]).includes(`\r\n--${boundary}`),
  );

describe('readForm', () => {
  it('returns fields and file for every split of the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(tricky, tricky, sizes, async (value, file, cuts) => {
        const bytes = form([
          { name: 'key', value },
          { name: 'file', value: file, fileName: 'a.png' },
          { name: 'after', value: Buffer.from('ignored') },
        ]);
        const head = await readForm(cut(bytes, cuts), boundary);
        expect(head.fields).toEqual([['key', value.toString('latin1')]]);
        expect(head.file).toMatchObject({ fileName: 'a.png', contentType: 'image/png' });
        expect(await collect(head.file?.data ?? cut(bytes, cuts))).toEqual(file);
      }),
    );
  });

  it('accepts a form without a file', async () => {
    const head = await readForm(cut(form([{ name: 'key', value: Buffer.from('k') }]), [7]), boundary);
    expect(head).toEqual({ fields: [['key', 'k']], file: undefined });
  });

  it('refuses a form that was cut off, in the fields or in the file', async () => {
    const bytes = form([
      { name: 'key', value: Buffer.from('k') },
      { name: 'file', value: Buffer.alloc(1000, 'x'), fileName: 'f' },
    ]);
    for (const length of [10, 60, 300, bytes.length - 20]) {
      const read = async () =>
        collect((await readForm(cut(bytes.subarray(0, length), [64]), boundary)).file?.data ?? cut(bytes, [1]));
      await expect(read()).rejects.toMatchObject({ code: 'MalformedPOSTRequest' });
    }
  });

  it('refuses more than 20 KB before the file', async () => {
    const many = Array.from({ length: 30 }, (_, at) => ({ name: `f${at}`, value: Buffer.alloc(1000, 'x') }));
    await expect(readForm(cut(form(many), [4096]), boundary)).rejects.toMatchObject({
      code: 'MaxPostPreDataLengthExceeded',
    });
  });

  it('decodes the escapes of browsers in names', async () => {
    const bytes = form([{ name: 'file', value: Buffer.from('x'), fileName: 'a%22b.png' }]);
    expect((await readForm(cut(bytes, [9]), boundary)).file?.fileName).toBe('a"b.png');
  });
});

describe('readBoundary', () => {
  it('accepts a quoted or unquoted boundary and refuses other content types', () => {
    expect(readBoundary('multipart/form-data; boundary=abc')).toBe('abc');
    expect(readBoundary('multipart/form-data; charset=utf-8; boundary="a b"')).toBe('a b');
    for (const type of [undefined, 'multipart/form-data', 'application/x-www-form-urlencoded'])
      expect(() => readBoundary(type)).toThrow(expect.objectContaining({ code: 'PreconditionFailed' }));
  });
});
