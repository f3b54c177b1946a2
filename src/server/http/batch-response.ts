import type { WaybillError, WireError } from '../../protocol/index.ts';
import type { Completing } from '../completion/result.ts';
import { type Failure, isFailure } from '../shared/failure.ts';
import type { PlainResponse } from './plain-request.ts';
import { asWaybillError, json, retryAfter, wireError } from './responses.ts';

export interface BatchContext {
  requestId: () => string;
  reportError: (error: WaybillError) => void;
}

/**
 * The response to a batch, in which errors stand beside the items that succeeded. The status is 200 when one item
 * succeeded, 202 when none has and one is still completing, else that of the first error, which is then also the
 * `error` of the whole response (see `protocol/wire.ts`).
 */
export function batchResponse(
  name: string,
  items: readonly (object | Failure)[],
  context: BatchContext,
): PlainResponse {
  let firstError: WaybillError | undefined;
  let firstWireError: WireError | undefined;
  let hasSucceeded = false;
  let completing: Completing | undefined;
  const wireItems = items.map((item) => {
    if (!isFailure(item)) {
      if ('completing' in item) completing = item as Completing;
      else hasSucceeded = true;
      return item;
    }
    const error = asWaybillError(item.failure);
    context.reportError(error);
    const wire = wireError(error, context.requestId());
    firstError ??= error;
    firstWireError ??= wire;
    return { error: wire };
  });
  if (firstError && !hasSucceeded && !completing) {
    const response = json(firstError.status, { [name]: wireItems, error: firstWireError });
    Object.assign(response.headers, retryAfter(firstError));
    return response;
  }
  const response = json(completing && !hasSucceeded ? 202 : 200, { [name]: wireItems });
  if (completing) response.headers['retry-after'] = String(completing.retryAfterSeconds);
  return response;
}
