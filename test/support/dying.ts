/** A process that dies at a chosen request to what it works with: from then on nothing is heard of it. */
import type { Storage } from '../../src/s3/index.ts';
import type { Ledger } from '../../src/server/index.ts';

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

export interface Death {
  dead: boolean;
  calls: number;
  /** Where. */
  at: string;
}

const never = () => new Promise<never>(() => {});

function dying<T extends object>(
  what: T,
  names: readonly (keyof T)[],
  nth: number,
  when: 'before' | 'after',
  state: Death,
) {
  const wrapped = { ...what } as Record<keyof T, unknown>;
  for (const name of names) {
    const work = what[name] as (...given: unknown[]) => Promise<unknown>;
    wrapped[name] = async (...given: unknown[]) => {
      if (state.dead) return never();
      state.calls += 1;
      const fatal = state.calls === nth;
      if (fatal) state.at = `${String(name)}, call ${nth}`;
      if (fatal && when === 'before') {
        state.dead = true;
        return never();
      }
      const answer = await work(...given);
      if (fatal) state.dead = true;
      return state.dead ? never() : answer;
    };
  }
  return wrapped as T;
}

/** Dies at its `nth` request, before it was heard or before its answer came. */
export function dyingAt(storage: Storage, nth: number, when: 'before' | 'after') {
  const state: Death = { dead: false, calls: 0, at: '' };
  return { storage: dying(storage, operations, nth, when, state), state };
}

/** The same, with the statements to its ledger counted among the requests. */
export function dyingWithLedger(storage: Storage, ledger: Ledger, nth: number, when: 'before' | 'after') {
  const { storage: doomed, state } = dyingAt(storage, nth, when);
  const methods = (Object.keys(ledger) as (keyof Ledger)[]).filter((name) => typeof ledger[name] === 'function');
  return { storage: doomed, ledger: dying(ledger, methods, nth, when, state), state };
}
