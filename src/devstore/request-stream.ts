/** The bytes of a request as they arrive, at the pace they are taken. */
import type { Call } from './call.ts';
import { StoreError } from './errors.ts';

/**
 * @throws StoreError IncompleteBody when the sender goes away, RequestTimeout when it falls silent
 */
export async function* readRequest({ request, store, countReceived }: Call): AsyncGenerator<Buffer> {
  let wake = () => {};
  let state: 'open' | 'ended' | 'gone' = request.readableEnded ? 'ended' : request.destroyed ? 'gone' : 'open';
  const onReadable = () => wake();
  const onEnd = () => {
    state = 'ended';
    wake();
  };
  const onGone = () => {
    if (state === 'open') state = 'gone';
    wake();
  };
  request.on('readable', onReadable).on('end', onEnd).on('close', onGone).on('error', onGone);
  try {
    for (;;) {
      const data = request.read() as Buffer | null;
      if (data !== null) {
        countReceived(data.length);
        yield data;
        continue;
      }
      if (state === 'ended') return;
      if (state === 'gone') throw new StoreError('IncompleteBody');
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new StoreError('RequestTimeout')), store.idleTimeoutMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  } finally {
    // The error listener stays: an error of a request that nobody reads any more is nobody's business.
    request.off('readable', onReadable).off('end', onEnd).off('close', onGone);
  }
}

/**
 * The same by a callback, for what takes its bytes at once: nothing is collected, nothing waits for a turn of the event
 * loop, and the socket is read no faster than `take` returns.
 *
 * @throws StoreError IncompleteBody, RequestTimeout; what `take` throws
 */
export function receiveRequest(
  { request, store, countReceived }: Call,
  onBytes: (data: Buffer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let idleTimer: NodeJS.Timeout | undefined;
    const finish = (settle: () => void) => {
      clearTimeout(idleTimer);
      request.off('data', onData).off('end', onEnd).off('close', onGone);
      settle();
    };
    const fail = (error: unknown) => {
      request.pause();
      finish(() => reject(error));
    };
    const onEnd = () => finish(resolve);
    const onGone = () => fail(new StoreError('IncompleteBody'));
    const onData = (data: Buffer) => {
      idleTimer?.refresh();
      try {
        countReceived(data.length);
        onBytes(data);
      } catch (error) {
        fail(error);
      }
    };
    // As above, the error listener stays.
    request.on('error', onGone);
    if (request.readableEnded) return resolve();
    if (request.destroyed) return reject(new StoreError('IncompleteBody'));
    idleTimer = setTimeout(() => fail(new StoreError('RequestTimeout')), store.idleTimeoutMs);
    request.on('data', onData).on('end', onEnd).on('close', onGone);
  });
}
