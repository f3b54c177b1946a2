import { expect, it } from 'vitest';
import { parseRetryAfterMs } from './send.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

it.each([
  [null, 0],
  ['0', 0],
  ['120', 120_000],
  ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
  ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
  ['-5', 0],
  ['soon', 0],
  ['', 0],
])('parseRetryAfterMs() reads %j as %i ms', (value, ms) => expect(parseRetryAfterMs(value, now)).toBe(ms));
