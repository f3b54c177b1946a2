import { describe, expect, it } from 'vitest';
import { WaybillError } from '../../protocol/index.ts';
import { startUpkeep } from '../upkeep.ts';
import { type EventQueue, pollQueue, type QueueMessage } from './queue.ts';

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}

/** Hides what it hands out, and hands it out again until it is deleted. */
function createQueue(bodies: string[]) {
  const waiting: QueueMessage[] = bodies.map((body, index) => ({ body, handle: String(index) }));
  const left = new Set(waiting.map(({ handle }) => handle));
  const empty = withResolvers<void>();
  let broken = 0;
  const queue: EventQueue = {
    async receive(signal) {
      if (broken-- > 0) throw new Error('no queue');
      const handed = waiting.splice(0, 10);
      waiting.push(...handed);
      const messages = handed.filter(({ handle }) => left.has(handle));
      if (messages.length > 0) return messages;
      empty.resolve();
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    },
    async delete(handle) {
      left.delete(handle);
    },
  };
  return {
    queue,
    left,
    empty: empty.promise,
    breakTimes: (times: number) => {
      broken = times;
    },
  };
}

describe('a queue of storage events', () => {
  it('deletes messages that were handled or never can be, and receives the others again', async () => {
    const { queue, left, empty } = createQueue(['{"n":1}', 'no JSON', '{"n":2}', '{"n":3}']);
    const handled: unknown[] = [];
    const errors: unknown[] = [];
    let busy = 2;
    const uploads = {
      async handleStorageEvent(event: unknown) {
        const { n } = event as { n: number };
        if (n === 2) throw new WaybillError('invalid_request', 'No event.');
        if (n === 3 && busy-- > 0) {
          expect(left.has('3')).toBe(true);
          throw new WaybillError('storage_unavailable', 'Busy.');
        }
        handled.push(n);
      },
    };
    const polling = pollQueue(queue, uploads, (error) => errors.push(error));
    await empty;
    await polling.stop();
    expect(handled).toEqual([1, 3]);
    expect([...left]).toEqual([]);
    expect(errors.map((error) => (error as WaybillError).code ?? (error as Error).name).sort()).toEqual([
      'SyntaxError',
      'invalid_request',
      'storage_unavailable',
      'storage_unavailable',
    ]);
  });

  it('polls again when the queue did not answer, also when the listener throws', async () => {
    const { queue, left, empty, breakTimes } = createQueue(['{}']);
    breakTimes(1);
    let told = 0;
    const onError = () => {
      told += 1;
      throw new Error('of the listener');
    };
    const polling = pollQueue(queue, { handleStorageEvent: async () => {} }, onError);
    await empty;
    await polling.stop();
    expect([told, left.size]).toEqual([1, 0]);
  });

  it('ends when the queue cannot be opened', async () => {
    const told = withResolvers<unknown>();
    let asked = 0;
    const queue: EventQueue = {
      async receive() {
        asked += 1;
        throw new WaybillError('config_invalid', 'No such package.');
      },
      delete: async () => {},
    };
    const polling = pollQueue(queue, { handleStorageEvent: async () => {} }, told.resolve);
    expect(await told.promise).toMatchObject({ code: 'config_invalid' });
    await polling.stop();
    expect(asked).toBe(1);
  });

  it('is read by startUpkeep() until stop()', async () => {
    const { queue, left, empty } = createQueue(['{"n":1}', '{"n":2}']);
    const handled: unknown[] = [];
    const upkeep = startUpkeep(
      {
        sweep: () => Promise.reject(new Error('The sweep is off.')),
        deliverWebhooks: undefined,
        ledger: undefined,
        handleStorageEvent: async (event) => {
          handled.push(event);
          return { received: 1, completed: 1, ignored: 0, rejected: 0 };
        },
      },
      { everySeconds: 0, eventQueue: queue },
    );
    await empty;
    await upkeep.stop();
    expect([handled, left.size]).toEqual([[{ n: 1 }, { n: 2 }], 0]);
    expect(() => startUpkeep({} as never, { eventQueue: 'queue' } as never)).toThrow(/eventQueue/);
  });
});
