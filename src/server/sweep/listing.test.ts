import { expect, it } from 'vitest';
import { ageOf } from './listing.ts';

const at = '2026-01-02T03:04:05.000Z';
const now = Date.parse(at);

it('the age of an object is the time since its date', () => {
  expect(ageOf(at, now + 1500)).toBe(1500);
});

it('an object whose date is later than the clock counts as new, so that a sweep without a grace period finds it', () => {
  expect(ageOf(at, now - 900)).toBe(0);
});

it('an object whose date cannot be read counts as new', () => {
  expect(ageOf('', now)).toBe(0);
  expect(ageOf('yesterday', now)).toBe(0);
});
