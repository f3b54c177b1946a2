/** The bytes of a request as they arrive, at the pace they are taken. */
import type { Call } from './call.ts';
import { StoreError } from './errors.ts';

/**
 * @throws StoreError IncompleteBody when the sender goes away, RequestTimeout when it falls silent
 */
export async function* readRequest({ request, store, received }: Call): AsyncGenerator<Buffer> {
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
        received(data.length);
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
