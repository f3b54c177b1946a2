/**
 * The default listener for events. It logs failures of the server, of the storage and of callbacks, each with its
 * stack, but not the errors of clients (4xx). Events are redacted before they arrive here.
 */
import type { UploadsEvent } from '../events.ts';

/** When the storage is down every request fails, so the number of lines in a period is limited. */
const maxLines = 100;
const periodMs = 60_000;

export function createFailureLog(
  now: () => number,
  write: (text: string) => void = (text) => console.error(text),
): (event: UploadsEvent) => void {
  let since = Number.NEGATIVE_INFINITY;
  let lines = 0;
  return (event) => {
    const text = describeFailure(event);
    if (text === null) return;
    const at = now();
    if (at - since >= periodMs || at < since) {
      if (lines > maxLines) write(`[waybill] ${lines - maxLines} more failures were not shown.`);
      since = at;
      lines = 0;
    }
    lines += 1;
    if (lines <= maxLines) write(text);
  };
}

/** Null for an event that is not a failure. */
function describeFailure(event: UploadsEvent): string | null {
  switch (event.type) {
    case 'request.failed': {
      if (event.status < 500) return null;
      const { operation, code, message, hint, requestId } = event;
      const words = hint === undefined || message.includes(hint) ? message : `${message} ${hint}`;
      // The event `callback.failed` has been logged with the stack.
      const reason = code === 'callback_failed' ? undefined : event.reason;
      return formatLine(`${operation} failed with ${code}: ${words} (requestId ${requestId})`, reason);
    }
    case 'callback.failed':
      return formatLine(
        `${event.callback} of the route "${event.route}" threw (uploadId ${event.uploadId})`,
        event.reason,
      );
    case 'callback.data_dropped':
      return formatLine(
        `What onComplete of the route "${event.route}" returned is no JSON, so that clients get null (uploadId ${event.uploadId})`,
        event.reason,
      );
    case 'storage.error':
      return formatLine(`The storage is set up wrongly: ${event.message}`, event.reason);
    case 'sweep.failed':
      return formatLine('The sweep could not deal with an upload', event.reason);
    case 'rate_limit.failed':
      return formatLine(`The store of the rate limit for each ${event.counter} does not answer`, event.reason);
    default:
      return null;
  }
}

function formatLine(text: string, reason: string | undefined): string {
  return reason === undefined ? `[waybill] ${text}` : `[waybill] ${text}\n${reason}`;
}
