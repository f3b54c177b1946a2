import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultKey, findBrokenKeyRule, findBrokenOwnerRule, keyExtension } from './keys.ts';

describe('keys', () => {
  it.each([
    ['', 'not empty'],
    ['/a', 'empty segment'],
    ['a/', 'empty segment'],
    ['a//b', 'empty segment'],
    ['../a', '"."'],
    ['a/../b', '"."'],
    ['a/./b', '"."'],
    ['.', '"."'],
    ['a\u0000b', 'control'],
    ['a\nb', 'control'],
    ['a\u0085b', 'control'],
    ['a\\b', 'backslash'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: that is the attack
    ['a/${filename}', '${'],
    ['a\ud800', 'surrogate'],
    [`${'ä'.repeat(512)}x`, '1024 bytes'],
    ['x'.repeat(1025), '1024 bytes'],
    ['incoming/x', 'staging prefix'],
    [undefined, 'string'],
    [7, 'string'],
  ])('%j is refused', (key, words) => {
    expect(findBrokenKeyRule(key, 'incoming/')).toContain(words);
  });

  it.each(['a', 'a/b.png', 'ä/…/🎉', 'x'.repeat(1024), '..a/b..', '.hidden', 'a b+c%20d', 'incoming'])(
    '%j is a key',
    (key) => {
      expect(findBrokenKeyRule(key, 'incoming/')).toBeNull();
    },
  );

  it('the quick check accepts no key that the rules refuse', () => {
    const part = fc.constantFrom('a', '.', '..', '/', '-', '_', '0', '\n', '\\', '$', '{', 'ä');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const key = parts.join('');
        const segments = key.split('/');
        const fine =
          segments.every((segment) => !['', '.', '..'].includes(segment)) && !/[\n\\]/.test(key) && !key.includes('${');
        expect(findBrokenKeyRule(key, 'incoming/') === null).toBe(fine);
      }),
      { numRuns: 5000 },
    );
  });

  it.each(['', '.', '..', 'a/b', 'a\\b', 'a\nb', '\ud800', 'x'.repeat(129), undefined, null, 7, {}])(
    'ownerId %j is refused',
    (ownerId) => {
      expect(findBrokenOwnerRule(ownerId)).not.toBeNull();
    },
  );

  it.each(['user-1', 'auth0|5f7c8', 'anna@example.org', 'ä', '...'])('ownerId %j is accepted', (ownerId) => {
    expect(findBrokenOwnerRule(ownerId)).toBeNull();
  });

  it.each([
    ['a.PNG', 'image/png', 'png'],
    ['a.html', 'image/png', ''],
    ['a.html', 'text/html', 'html'],
    ['a.svg', 'image/png', ''],
    ['a.php', 'text/plain', ''],
    ['a.js', 'text/plain', ''],
    ['a.tar.gz', 'application/gzip', 'gz'],
    ['noext', 'image/png', ''],
    ['.htaccess', 'text/plain', ''],
  ])('%s as %s keeps the extension "%s"', (fileName, contentType, extension) => {
    expect(keyExtension(fileName, contentType)).toBe(extension);
    const claims = { route: 'r', ownerId: 'o', uploadId: 'u', fileName, contentType };
    expect(defaultKey(claims)).toBe(extension ? `r/o/u.${extension}` : 'r/o/u');
  });
});
