import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linkFiles, locateBytes, readExtents, slice } from './extents.ts';
import { createDraft } from './files.ts';
import type { ObjectRecord } from './record.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-extents-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const recordOf = (change: Partial<ObjectRecord>): ObjectRecord => ({
  key: 'k',
  id: 'one',
  size: 0,
  etag: 'e',
  modified: 0,
  headers: {},
  metadata: {},
  tags: [],
  storageClass: 'STANDARD',
  ...change,
});

async function write(name: string, body: string, change: Partial<ObjectRecord> = {}): Promise<string> {
  const draft = createDraft(folder, { sync: false });
  if (!change.extents) draft.write(Buffer.from(body));
  await draft.finish(recordOf({ size: body.length, ...change }));
  await draft.publish(join(folder, name));
  return join(folder, name);
}

async function getChildText(
  record: Pick<ObjectRecord, 'parts' | 'extents'>,
  start: number,
  length: number,
): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of readExtents(folder, record, start, length)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describe('slice', () => {
  it('returns exactly the pieces of a range', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 6 }), fc.nat(60), fc.nat(60), (sizes, from, length) => {
        const bytes = sizes.flatMap((size, index) => Array.from({ length: size }, (_, at) => `${index}:${at}`));
        const pieces = sizes.map((size, index) => ({ index, start: 0, size }));
        const found = slice(pieces, from, length);
        const cut = found.flatMap(({ index, start, size }) =>
          Array.from({ length: size }, (_, at) => `${index}:${start + at}`),
        );
        expect(cut).toEqual(bytes.slice(from, from + length));
        expect(found.every(({ size }) => size > 0)).toBe(true);
      }),
    );
  });
});

describe('extents', () => {
  it('are read across files, through parts that refer to others', async () => {
    await write('part-00001', 'hello ');
    await write('bytes-a', 'the wide world');
    const extents = [{ file: 'bytes-a', start: 9, size: 5 }];
    await write('part-00002', 'world', { extents });
    const record = {
      parts: [
        { partNumber: 1, size: 6 },
        { partNumber: 2, size: 5 },
      ],
    };
    expect(await getChildText(record, 0, 11)).toBe('hello world');
    expect(await getChildText(record, 4, 4)).toBe('o wo');
    expect(locateBytes(folder, record)).toEqual([
      { path: join(folder, 'part-00001'), start: 0, size: 6 },
      { path: join(folder, 'bytes-a'), file: 'bytes-a', start: 9, size: 5 },
    ]);
  });

  it('are hard links: one per file, also when it is used repeatedly', async () => {
    const path = await write('source', 'bytes of one file');
    const extents = linkFiles(folder, [
      { path, start: 0, size: 5, id: 'one' },
      { path, start: 6, size: 2, id: 'one' },
    ]);
    expect(extents?.map(({ start, size }) => [start, size])).toEqual([
      [0, 5],
      [6, 2],
    ]);
    expect(new Set(extents?.map(({ file }) => file)).size).toBe(1);
    expect(statSync(path).nlink).toBe(2);
    expect(await getChildText({ extents: extents ?? [] }, 3, 3)).toBe('eso');
  });

  it('are not linked when a file was replaced or removed, and no link remains', async () => {
    const path = await write('replaced', 'other bytes', { id: 'two' });
    const before = readdirSync(folder).length;
    expect(linkFiles(folder, [{ path, start: 0, size: 5, id: 'one' }])).toBeNull();
    expect(
      linkFiles(folder, [
        { path, start: 0, size: 5, id: 'two' },
        { path: join(folder, 'gone'), start: 0, size: 1 },
      ]),
    ).toBeNull();
    expect(readdirSync(folder)).toHaveLength(before);
    expect(existsSync(path)).toBe(true);
  });
});
