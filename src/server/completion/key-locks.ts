/**
 * Locks for keys, so that one upload at a time is copied to a key on storages that do not guard the destination of a
 * copy. A lock is a row of the ledger, or without a ledger a small object that is created with If-None-Match.
 */
import { createHash } from 'node:crypto';
import { WaybillError } from '../../protocol/index.ts';
import type { StorageCapabilities } from '../../s3/index.ts';
import { isS3Error } from '../../s3/index.ts';
import type { Config } from '../config.ts';

export interface KeyLocks {
  /**
   * Runs `work` under the lock of the key. Null when another upload held the lock for longer than the copy of a small
   * file takes.
   *
   * @throws what `work` throws, and errors of the storage or the ledger
   */
  during<T>(of: { key: string; uploadId: string }, holdMs: number, work: () => Promise<T>): Promise<T | null>;
}

/** Whether the storage itself refuses to copy to a key that has an object. */
export function guardsCopies({ copyOnce, multipart, completeOnce }: StorageCapabilities): boolean {
  return copyOnce && (completeOnce || !multipart);
}

/** When a completion would wait longer for a lock, its client is told to ask again. */
const maxWaitMs = 3000;
const firstPauseMs = 25;
const maxPauseMs = 250;

/**
 * A lock that expires this soon is not deleted but left to expire: another process may hold it when the delete request
 * arrives.
 */
const marginMs = 5000;

interface Locks {
  take(name: string, holder: string, forMs: number): Promise<boolean>;
  release(name: string, holder: string): Promise<void>;
}

export function createKeyLocks(config: Pick<Config, 'storage' | 'stagingPrefix' | 'ledger' | 'now'>): KeyLocks {
  const { ledger } = config;
  const locks: Locks = ledger ? { take: ledger.lock, release: ledger.unlock } : createObjectLocks(config);
  return {
    async during({ key, uploadId }, holdMs, work) {
      const name = `key-${createHash('sha256').update(key).digest('hex').slice(0, 40)}`;
      if (!(await takeWithRetries(locks, name, uploadId, holdMs))) return null;
      try {
        return await work();
      } finally {
        // A lock that cannot be released expires.
        await locks.release(name, uploadId).catch(() => {});
      }
    },
  };
}

async function takeWithRetries(locks: Locks, name: string, holder: string, forMs: number): Promise<boolean> {
  const began = performance.now();
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(maxPauseMs, pauseMs * 2)) {
    if (await locks.take(name, holder, forMs)) return true;
    if (performance.now() - began > maxWaitMs) return false;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

interface LockObject {
  holder: string;
  /** Milliseconds since the epoch, by the clock of the process that holds it. */
  until: number;
}

const maxLockBytes = 1024;

/**
 * The status when another process wrote first (412), wrote at the same time (409), or has deleted the lock since it was
 * read (404). https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
const lostStatuses: ReadonlySet<number> = new Set([404, 409, 412]);

function createObjectLocks({ storage, stagingPrefix, now }: Pick<Config, 'storage' | 'stagingPrefix' | 'now'>): Locks {
  const keyOf = (name: string) => `${stagingPrefix}.waybill/${name}`;
  const expiryByLock = new Map<string, number>();

  async function write(name: string, holder: string, forMs: number, condition: object): Promise<boolean> {
    const lock: LockObject = { holder, until: now() + forMs };
    try {
      await storage.put({
        key: keyOf(name),
        body: JSON.stringify(lock),
        contentType: 'application/json',
        ...condition,
      });
      expiryByLock.set(name + holder, lock.until);
      return true;
    } catch (error) {
      if (isS3Error(error) && lostStatuses.has(error.status) && error.code !== 'NoSuchBucket') return false;
      throw error;
    }
  }

  return {
    async take(name, holder, forMs) {
      if (await write(name, holder, forMs, { ifNoneMatch: '*' })) return true;
      const found = await storage.read(keyOf(name), { maxBytes: maxLockBytes });
      if (!found?.bytes) return false;
      const lock = JSON.parse(Buffer.from(found.bytes).toString()) as LockObject;
      if (lock.holder !== holder && lock.until > now()) return false;
      return write(name, holder, forMs, { ifMatch: found.info.etag });
    },
    async release(name, holder) {
      const until = expiryByLock.get(name + holder) ?? 0;
      expiryByLock.delete(name + holder);
      if (now() < until - marginMs) await storage.delete(keyOf(name));
    },
  };
}

/** @throws {WaybillError} `config_invalid` where two uploads could be stored under one key of the route unnoticed */
export function requireUniqueKeys(name: string, { once, ...rest }: StorageCapabilities, hasLedger: boolean): void {
  if (once || hasLedger || guardsCopies({ once, ...rest })) return;
  throw new WaybillError(
    'config_invalid',
    `The route "${name}" chooses its own keys, and on this storage two uploads could be stored under one key without either of them being told. Use a ledger, or leave \`key\` out.`,
  );
}
