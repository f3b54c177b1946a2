import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ItemRecord } from './item-record.ts';
import { createSavedList } from './saved-list.ts';

function memoryStorage(initial?: string) {
  let text = initial ?? null;
  return {
    getItem: () => text,
    setItem: (_key: string, value: string) => {
      text = value;
    },
  };
}

const received: ItemRecord = {
  id: 'a',
  number: 1,
  fileName: 'harbour.jpg',
  relativePath: 'summer/harbour.jpg',
  inLargeBatch: true,
  size: 10,
  lastModified: 1_764_000_000_000,
  contentType: 'image/jpeg',
  route: 'files',
  stage: 'received',
  error: null,
  file: {
    uploadId: 'u1',
    route: 'files',
    key: 'files/dev/u1.jpg',
    fileName: 'harbour.jpg',
    size: 10,
    contentType: 'image/jpeg',
    checksum: null,
    etag: '"e"',
    url: '/files/r',
    storedAt: '2026-11-23T00:00:00.000Z',
  },
  stats: { server: { requests: 2, bytesIn: 900, fileBytes: 0 }, store: { requests: 1, bytesIn: 10 } },
};

it('load() returns received files with their transfer statistics', () => {
  const list = createSavedList(memoryStorage());
  list.save([received]);
  expect(list.load()).toEqual([received]);
});

it('load() returns an active upload as interrupted', () => {
  const list = createSavedList(memoryStorage());
  list.save([{ ...received, stage: 'sending', file: null, stats: null }]);
  expect(list.load()[0]?.stage).toBe('interrupted');
});

it('load() skips invalid records and keeps the others', () => {
  const text = JSON.stringify([
    null,
    7,
    { id: 1 },
    { ...received, stage: 'toString' },
    { ...received, file: null },
    received,
  ]);
  expect(createSavedList(memoryStorage(text)).load()).toEqual([received]);
});

it('load() and save() never throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(Array.isArray(createSavedList(memoryStorage(text)).load())).toBe(true);
    }),
  );
  const unusable = createSavedList({
    getItem: () => {
      throw new Error('denied');
    },
    setItem: () => {
      throw new Error('full');
    },
  });
  expect(unusable.load()).toEqual([]);
  expect(() => unusable.save([received])).not.toThrow();
});
