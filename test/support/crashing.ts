/** Simulates a process that crashes at a chosen call to the storage or the ledger: later calls never return. */
import { expect } from 'vitest';
import type { Storage } from '../../src/s3/index.ts';
import type { Ledger } from '../../src/server/index.ts';
import { isFullSize } from './test-size.ts';

const operations: readonly (keyof Storage)[] = [
  'listParts',
  'completeMultipart',
  'abortMultipart',
  'createMultipart',
  'list',
  'listMultiparts',
  'copyPart',
  'head',
  'get',
  'read',
  'put',
  'copy',
  'delete',
  'deleteMany',
];

export interface CrashState {
  hasCrashed: boolean;
  calls: number;
  /** The call at which the process crashed. */
  at: string;
}

const neverResolves = () => new Promise<never>(() => {});

function crashAtCall<T extends object>(
  target: T,
  names: readonly (keyof T)[],
  nth: number,
  when: CrashTime,
  state: CrashState,
) {
  const wrapped = { ...target } as Record<keyof T, unknown>;
  for (const name of names) {
    const work = target[name] as (...given: unknown[]) => Promise<unknown>;
    wrapped[name] = async (...given: unknown[]) => {
      if (state.hasCrashed) return neverResolves();
      state.calls += 1;
      const crashesHere = state.calls === nth;
      if (crashesHere) state.at = `${String(name)}, call ${nth}`;
      if (crashesHere && when === 'before') {
        state.hasCrashed = true;
        return neverResolves();
      }
      const answer = await work(...given);
      if (crashesHere) state.hasCrashed = true;
      return state.hasCrashed ? neverResolves() : answer;
    };
  }
  return wrapped as T;
}

type CrashTime = 'before' | 'after';

/**
 * When to crash at the `nth` call: before it has an effect and after it at full size, and otherwise one of the two in
 * turn. Tests with two databases pass another `first` for each, so that together they crash at every place.
 */
export function crashTimes(nth: number, first: CrashTime = 'before'): readonly CrashTime[] {
  if (isFullSize) return ['before', 'after'];
  const isFirst = nth % 2 === 1;
  return [isFirst === (first === 'before') ? 'before' : 'after'];
}

/** Crashes at the `nth` call to the storage, before the call has an effect or after it, before the answer arrives. */
export function crashStorageAt(storage: Storage, nth: number, when: CrashTime) {
  const state: CrashState = { hasCrashed: false, calls: 0, at: '' };
  return { storage: crashAtCall(storage, operations, nth, when, state), state };
}

/** Waits until `work` ends or the process crashes. Returns whether `work` ended. */
export async function endsWithoutCrash(work: Promise<unknown>, state: CrashState): Promise<boolean> {
  const ended = work.then(() => true);
  const crashed = expect.poll(() => state.hasCrashed, { interval: 2 }).toBe(true);
  crashed.catch(() => {});
  return Promise.race([ended, crashed.then(() => false)]);
}

/** Crashes at the `nth` call to the storage or the ledger. */
export function crashStorageOrLedgerAt(storage: Storage, ledger: Ledger, nth: number, when: CrashTime) {
  const { storage: crashing, state } = crashStorageAt(storage, nth, when);
  const methods = (Object.keys(ledger) as (keyof Ledger)[]).filter((name) => typeof ledger[name] === 'function');
  return { storage: crashing, ledger: crashAtCall(ledger, methods, nth, when, state), state };
}
