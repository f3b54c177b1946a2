/**
 * One upload at a time is copied to a key, on storages that do not guard the destination of a copy themselves. The lock is
 * a row of the ledger, or without one a small object that is created with If-None-Match.
 */
import { createHash } from 'node:crypto';
import { WaybillError } from '../../protocol/index.ts';
import type { StorageCapabilities } from '../../s3/index.ts';
import { isS3Error } from '../../s3/index.ts';
import type { Config } from '../config.ts';

export interface KeyLocks {
  /**
   * Runs `work` while this upload has the key to itself. Null when another upload had it for longer than a copy of a small
   * file takes: ask again.
   *
   * @throws whatever `work` throws, and the storage's or the ledger's errors
   */
  during<T>(of: { key: string; uploadId: string }, holdMs: number, work: () => Promise<T>): Promise<T | null>;
}

/** Does the storage refuse by itself to copy to a key that is taken? */
export function guardsCopies({ copyOnce, multipart, completeOnce }: StorageCapabilities): boolean {
  return copyOnce && (completeOnce || !multipart);
}

/** Waiting for longer is the client's part: it is told to ask again. */
const maxWaitMs = 3000;
const firstPauseMs = 25;
const longestPauseMs = 250;

/** A holder that is this close to its end leaves the lock to run out: somebody else may have it when the delete arrives. */
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
        // It runs out by itself.
        await locks.release(name, uploadId).catch(() => {});
      }
    },
  };
}

async function takeWithRetries(locks: Locks, name: string, holder: string, forMs: number): Promise<boolean> {
  const began = performance.now();
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
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
 * Another process wrote first (412), at the same time (409), or has deleted the lock since it was read (404).
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
const lost: ReadonlySet<number> = new Set([404, 409, 412]);

function createObjectLocks({ storage, stagingPrefix, now }: Pick<Config, 'storage' | 'stagingPrefix' | 'now'>): Locks {
  const keyOf = (name: string) => `${stagingPrefix}.waybill/${name}`;
  const ends = new Map<string, number>();

  async function write(name: string, holder: string, forMs: number, condition: object): Promise<boolean> {
    const lock: LockObject = { holder, until: now() + forMs };
    try {
      await storage.put({
        key: keyOf(name),
        body: JSON.stringify(lock),
        contentType: 'application/json',
        ...condition,
      });
      ends.set(name + holder, lock.until);
      return true;
    } catch (error) {
      if (isS3Error(error) && lost.has(error.status) && error.code !== 'NoSuchBucket') return false;
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
      const until = ends.get(name + holder) ?? 0;
      ends.delete(name + holder);
      if (now() < until - marginMs) await storage.delete(keyOf(name));
    },
  };
}

/** @throws {WaybillError} `config_invalid` for a route whose keys can come again where nothing could tell them apart */
export function requireUniqueKeys(name: string, { once, ...rest }: StorageCapabilities, hasLedger: boolean): void {
  if (once || hasLedger || guardsCopies({ once, ...rest })) return;
  throw new WaybillError(
    'config_invalid',
    `The route "${name}" chooses its own keys, and on this storage two uploads could be stored under one key without either of them being told. Use a ledger, or leave \`key\` out.`,
  );
}
