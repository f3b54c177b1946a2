import { createHash, timingSafeEqual } from 'node:crypto';

/** Returns a function that tells in constant time whether a text is one of the secrets. They are read at first use. */
export function createSecretCheck(readSecrets: () => readonly string[]): (text: string) => boolean {
  let digests: Buffer[] | undefined;
  return (text) => {
    digests ??= readSecrets().map(digestOf);
    const given = digestOf(text);
    let isKnown = false;
    for (const digest of digests) if (timingSafeEqual(given, digest)) isKnown = true;
    return isKnown;
  };
}

/** Digests have equal lengths, which `timingSafeEqual` demands. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
