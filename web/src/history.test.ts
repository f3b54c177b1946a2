import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Consignment } from './consignment.ts';
import { createHistory } from './history.ts';

function memory(initial?: string) {
  let text = initial ?? null;
  return {
    getItem: () => text,
    setItem: (_key: string, value: string) => {
      text = value;
    },
  };
}

const received: Consignment = {
  id: 'a',
  number: 1,
  fileName: 'harbour.jpg',
  relativePath: 'summer/harbour.jpg',
  compact: true,
  size: 10,
  lastModified: 1_764_000_000_000,
  contentType: 'image/jpeg',
  route: 'files',
  stage: 'received',
  words: null,
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
  way: { server: { requests: 2, bytesIn: 900, fileBytes: 0 }, store: { requests: 1, bytesIn: 10 } },
};

describe('history', () => {
  it('gives back what was received, counts included', () => {
    const history = createHistory(memory());
    history.save([received]);
    expect(history.load()).toEqual([received]);
  });

  it('calls what was moving interrupted', () => {
    const history = createHistory(memory());
    history.save([{ ...received, stage: 'sending', file: null, way: null }]);
    expect(history.load()[0]?.stage).toBe('interrupted');
  });

  it('drops what it cannot understand and keeps the rest', () => {
    const text = JSON.stringify([
      null,
      7,
      { id: 1 },
      { ...received, stage: 'toString' },
      { ...received, file: null },
      received,
    ]);
    expect(createHistory(memory(text)).load()).toEqual([received]);
  });

  it('survives any content and any refusal', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(Array.isArray(createHistory(memory(text)).load())).toBe(true);
      }),
    );
    const broken = createHistory({
      getItem: () => {
        throw new Error('denied');
      },
      setItem: () => {
        throw new Error('full');
      },
    });
    expect(broken.load()).toEqual([]);
    expect(() => broken.save([received])).not.toThrow();
  });
});
