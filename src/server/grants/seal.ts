import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { TakeRandom } from '../shared/random-pool.ts';
import { deriveKey } from '../shared/secrets.ts';

const version = 1;
const saltBytes = 8;
const ivBytes = 12;
const tagBytes = 16;
const headBytes = 1 + saltBytes + ivBytes;
/**
 * NIST SP 800-38D section 8.3 allows 2^32 random IVs with one key. A new salt, and so a new key, is used long before
 * that.
 */
const sealsPerSalt = 2 ** 28;
const maxCachedKeys = 1024;

export interface Sealer {
  seal(plaintext: string): string;
  /** Returns null unless the text is exactly a result of `seal`. */
  open(sealed: string): string | null;
}

/**
 * Seals texts with AES-256-GCM, as base64url of `version | salt | iv | ciphertext | tag`. The key is HKDF(secret,
 * salt), and each process chooses its own random salt: with one key for all replicas, random 96-bit IVs would repeat
 * after some weeks of heavy traffic, and a repeated IV allows forgeries.
 */
export function createSealer(options: { secrets: readonly string[]; label: string; random: TakeRandom }): Sealer {
  const { secrets, label, random } = options;
  const keys = new Map<string, Buffer>();
  let salt: Buffer = Buffer.alloc(0);
  let key: Buffer = Buffer.alloc(0);
  let left = 0;

  function renew(): void {
    salt = Buffer.from(random(saltBytes));
    key = deriveKey(secrets[0] as string, label, salt);
    cacheKey(salt, key);
    left = sealsPerSalt;
  }

  function cacheKey(salt: Buffer, key: Buffer): void {
    if (keys.size >= maxCachedKeys) keys.delete(keys.keys().next().value as string);
    keys.set(salt.toString('latin1'), key);
  }

  return {
    seal(plaintext) {
      if (left === 0) renew();
      left -= 1;
      const iv = random(ivBytes);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      const body = cipher.update(plaintext, 'utf8');
      cipher.final();
      const sealed = Buffer.allocUnsafe(headBytes + body.length + tagBytes);
      sealed[0] = version;
      sealed.set(salt, 1);
      sealed.set(iv, 1 + saltBytes);
      sealed.set(body, headBytes);
      sealed.set(cipher.getAuthTag(), headBytes + body.length);
      return sealed.toString('base64url');
    },

    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < headBytes + tagBytes || bytes[0] !== version) return null;
      // Node also accepts padding, the other base64 alphabet and unused bits. Only one spelling of a grant is valid.
      if (bytes.toString('base64url') !== sealed) return null;
      const salt = bytes.subarray(1, 1 + saltBytes);
      const cachedKey = keys.get(salt.toString('latin1'));
      if (cachedKey) return decrypt(cachedKey, bytes);
      for (const secret of secrets) {
        const key = deriveKey(secret, label, salt);
        const plaintext = decrypt(key, bytes);
        if (plaintext === null) continue;
        cacheKey(Buffer.from(salt), key);
        return plaintext;
      }
      return null;
    },
  };
}

function decrypt(key: Buffer, bytes: Buffer): string | null {
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1 + saltBytes, headBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
  try {
    const body = decipher.update(bytes.subarray(headBytes, bytes.length - tagBytes));
    decipher.final();
    return body.toString('utf8');
  } catch {
    return null;
  }
}
