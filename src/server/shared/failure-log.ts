/**
 * What a server says that was not told where to send events: failures of its own, of the storage and of the app's
 * callbacks, a line each with their stack. What users do wrong (4xx) is not among them, and nothing here is not
 * redacted before.
 */
import type { UploadsEvent } from '../events.ts';

/** A storage that is down fails every request: a few lines say so as well. */
const mostLines = 100;
const everyMs = 60_000;

export function createFailureLog(
  now: () => number,
  write: (text: string) => void = (text) => console.error(text),
): (event: UploadsEvent) => void {
  let since = Number.NEGATIVE_INFINITY;
  let lines = 0;
  return (event) => {
    const text = failureText(event);
    if (text === null) return;
    const at = now();
    if (at - since >= everyMs || at < since) {
      if (lines > mostLines) write(`[waybill] ${lines - mostLines} more failures were not shown.`);
      since = at;
      lines = 0;
    }
    lines += 1;
    if (lines <= mostLines) write(text);
  };
}

/** Null for what is no failure. */
function failureText(event: UploadsEvent): string | null {
  switch (event.type) {
    case 'request.failed': {
      if (event.status < 500) return null;
      const { operation, code, message, hint, requestId } = event;
      const words = hint === undefined || message.includes(hint) ? message : `${message} ${hint}`;
      // The callback itself was shown, with its stack.
      const reason = code === 'callback_failed' ? undefined : event.reason;
      return lineOf(`${operation} failed with ${code}: ${words} (requestId ${requestId})`, reason);
    }
    case 'callback.failed':
      return lineOf(`${event.callback} of the route "${event.route}" threw (uploadId ${event.uploadId})`, event.reason);
    case 'callback.data_dropped':
      return lineOf(
        `What onComplete of the route "${event.route}" returned is no JSON, so that clients get null (uploadId ${event.uploadId})`,
        event.reason,
      );
    case 'storage.fault':
      return lineOf(`The storage is set up wrongly: ${event.message}`, event.reason);
    case 'sweep.failed':
      return lineOf('The sweep could not deal with an upload', event.reason);
    case 'rate_limit.failed':
      return lineOf(`The store of the rate limit for each ${event.counter} does not answer`, event.reason);
    default:
      return null;
  }
}

function lineOf(text: string, reason: string | undefined): string {
  return reason === undefined ? `[waybill] ${text}` : `[waybill] ${text}\n${reason}`;
}
