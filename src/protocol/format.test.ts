import { expect, it } from 'vitest';
import { checkLimits } from './content-types.ts';
import { formatBytes, formatSeconds, formatSizes } from './format.ts';

it.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [812, '812 bytes'],
  [999, '999 bytes'],
  [1000, '1 kB'],
  [3_240_000, '3.2 MB'],
  [999_600_000, '1 GB'],
  [50_000_000_000, '50 GB'],
  [5e15, '5000 TB'],
])('formatBytes(%j) is %j', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

it.each([
  [0.2, '1 s'],
  [59, '59 s'],
  [61, '2 min'],
  [3600, '1 h'],
  [4800, '1 h 20 min'],
])('formatSeconds(%j) is %j', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

it('formatSizes() gives exact bytes where both sizes would round to the same text', () => {
  expect(formatSizes(20_000_001, 20_000_000)).toEqual(['20,000,001 bytes', '20,000,000 bytes']);
  expect(formatSizes(21_000_000, 20_000_000)).toEqual(['21 MB', '20 MB']);
});

const file = { fileName: 'a.heic', size: 6_000_000, contentType: 'image/heic' };

it.each([
  [
    { maxBytes: 5_000_000 },
    file,
    'This file is too large: it has 6 MB, and the limit is 5 MB.',
    { size: 6_000_000, maxBytes: 5_000_000 },
  ],
  [{ maxBytes: 9 }, { ...file, size: 0 }, 'This file is empty.', { size: 0, minBytes: 1 }],
  [
    { maxBytes: 9e9, minBytes: 2000 },
    { ...file, size: 10 },
    'This file is too small: it has 10 bytes, and at least 2 kB are needed.',
    { size: 10, minBytes: 2000 },
  ],
  [
    { maxBytes: 9e9, contentTypes: ['image/png'] },
    file,
    'Files of the type image/heic are not accepted here.',
    { contentType: 'image/heic', contentTypes: ['image/png'] },
  ],
  [
    { maxBytes: 9e9, extensions: ['png', 'jpg'] },
    file,
    'Only files that end in .png, .jpg are accepted here.',
    { contentType: 'image/heic', extensions: ['png', 'jpg'] },
  ],
])('checkLimits(%j) explains the error in its message and in exact details', (limits, declared, message, details) => {
  const error = checkLimits(limits, declared);
  expect([error?.message, error?.details]).toEqual([message, details]);
});
