import { expect, it } from 'vitest';
import { clientErrorKind } from './client-error-kind.ts';
import { type ErrorKind, errorTable, isErrorCode, WaybillError } from './errors.ts';

const rows = Object.entries(errorTable);

it('the kind of an error says whether it is retryable', () => {
  const retryable: readonly ErrorKind[] = ['pending', 'unavailable', 'network'];
  expect(rows.length).toBeGreaterThan(20);
  for (const [code, facts] of rows) expect(facts.retryable, code).toBe(retryable.includes(facts.kind));
});

it('clientErrorKind() agrees with the error table', () => {
  const known: readonly ErrorKind[] = ['auth', 'unavailable', 'network', 'source'];
  for (const [code, { kind }] of rows)
    expect(clientErrorKind(code), code).toBe(known.includes(kind) ? kind : undefined);
});

it('codes are looked up by own names only', () => {
  for (const name of ['constructor', 'toString', '__proto__', 'no_such_code']) {
    expect(clientErrorKind(name)).toBeUndefined();
    expect(isErrorCode(name)).toBe(false);
  }
});

it('WaybillError takes status and retryable from its code', () => {
  const error = new WaybillError('rate_limited', 'Too many calls.');
  expect(error).toMatchObject({ code: 'rate_limited', status: 429, retryable: true });
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    code: 'rate_limited',
    message: 'Too many calls.',
    retryable: true,
  });
});
