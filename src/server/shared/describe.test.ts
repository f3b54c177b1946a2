import { expect, it } from 'vitest';
import { describe } from './describe.ts';

const unusual: readonly (readonly [what: string, error: unknown, text: RegExp])[] = [
  ['undefined', undefined, /^undefined$/],
  ['a symbol', Symbol('x'), /^Symbol\(x\)$/],
  ['a BigInt', 7n, /^7$/],
  ['an object without a prototype', Object.create(null), /cannot be shown as text/],
  [
    'an error whose stack throws',
    Object.defineProperty(new Error('x'), 'stack', {
      get() {
        throw new Error('no stack');
      },
    }),
    /cannot be shown as text/,
  ],
  [
    'an object whose toString throws',
    {
      toString() {
        throw new Error('no text');
      },
    },
    /cannot be shown as text/,
  ],
  ['an error whose stack is no text', Object.assign(new Error('x'), { stack: 7 }), /^7$/],
];

it.each(unusual)('describe() never throws: %s', (_, error, text) => {
  expect(describe(error)).toMatch(text);
});

it('describe() ends for an error that is its own cause', () => {
  const error = new Error('cycle');
  error.cause = error;
  expect(describe(error).match(/caused by:/g)?.length).toBeLessThan(10);
});

it('describe() tells the causes of an error in order', () => {
  const error = new Error('outer', { cause: new Error('middle', { cause: 'inner' }) });
  expect(describe(error)).toMatch(/outer.*caused by: Error: middle.*caused by: inner/s);
});

it('describe() keeps no more than 4,000 characters', () => {
  let error: unknown;
  for (let depth = 0; depth < 5; depth += 1) error = new Error('x y '.repeat(200), { cause: error });
  expect(describe(error).length).toBe(4000);
});

it('describe() cuts a message that quotes what a user sent, and keeps the stack', () => {
  const text = describe(new Error(`no album ${'http://'.repeat(35_000)}`));
  expect(text).toMatch(/^Error: no album \[cut\]\n {4}at .*describe\.test\.ts/);
});
