import type { Services } from '../services.ts';
import type { Call } from './call.ts';

/**
 * Without this, a platform that stops a function after its response, or when the client has gone, would stop a
 * completion. It would then wait until its lease has expired.
 */
export function keepAlive({ config }: Pick<Services, 'config'>, { request }: Call, completion: Promise<unknown>): void {
  const ended = completion.catch(() => {});
  if (request.waitUntil) request.waitUntil(ended);
  else config.waitUntil?.(ended);
}
