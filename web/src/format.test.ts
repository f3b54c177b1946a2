import { expect, it } from 'vitest';
import { formatCount, formatExactBytes, formatSeconds } from './format.ts';

it('formatExactBytes() groups digits', () => {
  expect(formatExactBytes(3_214_880)).toBe('3,214,880 bytes');
  expect(formatExactBytes(1)).toBe('1 byte');
  expect(formatCount(2000)).toBe('2,000');
});

it.each([
  [0, '1 s'],
  [59.2, '1 min'],
  [61, '2 min'],
  [3600, '1 h'],
  [4_700, '1 h 19 min'],
])('formatSeconds(%d) is %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});
