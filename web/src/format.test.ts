import { describe, expect, it } from 'vitest';
import { formatBytes, formatExactBytes, formatSeconds } from './format.ts';

describe('numbers on paper', () => {
  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1000, '1 kB'],
    [9_940, '9.9 kB'],
    [9_960, '10 kB'],
    [999_499, '999 kB'],
    [999_500, '1 MB'],
    [5 * 1024 ** 3, '5.4 GB'],
    [Number.NaN, '? bytes'],
  ])('%d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('spells out exact counts', () => {
    expect(formatExactBytes(3_214_880)).toBe('3,214,880 bytes');
    expect(formatExactBytes(1)).toBe('1 byte');
  });

  it.each([
    [0, '1 s'],
    [59.2, '1 min'],
    [61, '2 min'],
    [3600, '1 h'],
    [4_700, '1 h 19 min'],
  ])('%d seconds is %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });
});
