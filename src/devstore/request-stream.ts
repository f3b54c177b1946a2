/** Reads the body of a request, no faster than its consumer. */
import type { Call } from './call.ts';
import { StoreError } from './errors.ts';

/**
 * @throws StoreError IncompleteBody when the client disconnects, RequestTimeout when it sends nothing for
 * `idleTimeoutMs`
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
    // The error listener stays, because an error without a listener would end the process.
    request.off('readable', onReadable).off('end', onEnd).off('close', onGone);
  }
}

/**
 * Does the same as {@link readRequest} with a synchronous callback, which is faster because nothing is queued. The
 * socket is not read while `onBytes` runs.
 *
 * @throws StoreError IncompleteBody, RequestTimeout, and what `onBytes` throws
 */
export function receiveRequest(
  { request, store, countReceived }: Call,
  onBytes: (data: Buffer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let idleTimer: NodeJS.Timeout | undefined;
    const finish = (resolveOrReject: () => void) => {
      clearTimeout(idleTimer);
      request.off('data', onData).off('end', onEnd).off('close', onGone);
      resolveOrReject();
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
    // The error listener stays, as in `readRequest`.
    request.on('error', onGone);
    if (request.readableEnded) return resolve();
    if (request.destroyed) return reject(new StoreError('IncompleteBody'));
    idleTimer = setTimeout(() => fail(new StoreError('RequestTimeout')), store.idleTimeoutMs);
    request.on('data', onData).on('end', onEnd).on('close', onGone);
  });
}
