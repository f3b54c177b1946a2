import type { WaybillError, WireError } from '../../protocol/index.ts';
import type { Completing } from '../completion/result.ts';
import { type Failure, isFailure } from '../shared/failure.ts';
import type { PlainResponse } from './plain-request.ts';
import { asWaybillError, json, retryAfter, wireError } from './responses.ts';

export interface BatchContext {
  requestId: () => string;
  failed: (error: WaybillError) => void;
}

/**
 * Errors stand beside successes: 200 as soon as one item succeeded, 202 while none has and one is still completing,
 * else the first error, which then also stands alone as `error` (see `protocol/wire.ts`).
 */
export function batchAnswer(name: string, items: readonly (object | Failure)[], context: BatchContext): PlainResponse {
  let first: WaybillError | undefined;
  let firstWire: WireError | undefined;
  let succeeded = false;
  let pending: Completing | undefined;
  const shown = items.map((item) => {
    if (!isFailure(item)) {
      if ('completing' in item) pending = item as Completing;
      else succeeded = true;
      return item;
    }
    const error = asWaybillError(item.failure);
    context.failed(error);
    const wire = wireError(error, context.requestId());
    first ??= error;
    firstWire ??= wire;
    return { error: wire };
  });
  if (succeeded || (!pending && !first)) return withRetry(json(200, { [name]: shown }), pending);
  if (pending) return withRetry(json(202, { [name]: shown }), pending);
  const answer = json((first as WaybillError).status, { [name]: shown, error: firstWire });
  Object.assign(answer.headers, retryAfter(first as WaybillError));
  return answer;
}

function withRetry(answer: PlainResponse, pending: Completing | undefined): PlainResponse {
  if (pending) answer.headers['retry-after'] = String(pending.retryAfterSeconds);
  return answer;
}
