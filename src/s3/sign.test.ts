import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { computeSignature, createSigner } from './sign.ts';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const text = fc.string({ unit: 'grapheme-ascii', maxLength: 600 });

it('createSigner() computes HMAC-SHA256 for texts of any length, in any order', () => {
  fc.assert(
    fc.property(
      key,
      fc.array(text, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 500, max: 520 }),
      (key, texts, length) => {
        const sign = createSigner(key);
        for (const one of [...texts, 'x'.repeat(length), '']) {
          expect(sign(one)).toBe(createHmac('sha256', key).update(one).digest('hex'));
          expect(computeSignature(key, one)).toBe(sign(one));
        }
      },
    ),
  );
});
