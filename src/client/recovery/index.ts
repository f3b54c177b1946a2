/**
 * recovery: what to make of failures. Comes with the first file, while there surely is a network. It imports nothing of the
 * client, so that a page's bundle stays in one piece.
 */
import type { MultipartCompletion, PendingUpload, WaybillError } from '../../protocol/index.ts';
import type { Tried } from '../exchange.ts';
import type { Declared, JourneyContext, Report, Trip } from '../journey.ts';
import type { Pool } from '../pool.ts';
import type { Tools } from '../tools.ts';
import type { TransportResponse, UploadResult } from '../types.ts';
import { advise, isThere } from './cors.ts';

export { foresee } from './foresee.ts';
export { wake } from './wake.ts';

/** Failures in a row, the host being there, after which its answers are taken to be hidden from this page. */
const blindFailures = 3;
/** The wire's ceiling. */
const grantsInAbort = 100;
const firstBackoffMs = 500;
const longestBackoffMs = 30_000;
/** Whatever a server says, a completion is asked about again. */
const longestPendingSeconds = 600;
/** Requests that fail together are one sign of trouble, not six. */
const calmMs = 1000;

/** What a storage's answer other than success means. @throws WaybillError `source_changed` */
export async function refusal(
  tools: Tools,
  { status, text, header }: TransportResponse,
  trip: Declared,
  signal: AbortSignal,
): Promise<WaybillError> {
  const code = /<Code>(\w+)/.exec(text)?.[1] ?? '';
  const mismatch = /Digest|Checksum/.test(code);
  if (mismatch) await verify(tools, trip, signal);
  const temporary =
    mismatch || /^(5|408|429)/.test(`${status}`) || status === 409 || /Timeout|Incomplete|SlowDown/.test(code);
  trip.stale = !temporary;
  const details = { hint: `The storage answered with HTTP ${status} ${code}.`, ...(code && { storageCode: code }) };
  return tools.failure(
    temporary ? 'storage_unavailable' : 'storage_rejected',
    temporary ? 'The storage is busy. Please try again.' : 'Uploads are not available right now.',
    { status, details, retryable: temporary, retryAfterSeconds: tools.retryAfter(header) },
  );
}

/** @throws WaybillError `source_changed` when the bytes are no longer those that were declared */
export async function verify(
  { checksumOf, failure }: Tools,
  { source, algorithm, checksum }: Declared,
  signal: AbortSignal,
): Promise<void> {
  if (algorithm && checksum && checksum !== (await checksumOf(source, algorithm, signal)))
    throw failure('source_changed', 'This file has changed since it was chosen.');
}

/** How it goes with one file's attempts. */
interface Trouble {
  /** A new grant was asked for since the last pause. */
  renewed: boolean;
  /** Failures in a row without a readable answer from a host that is there. */
  blind: number;
}

/** Tries again for as long as it may help. @param cause why the first attempt failed */
export async function persist(
  tools: Tools,
  context: JourneyContext,
  trip: Trip,
  attempt: () => Promise<UploadResult>,
  cause: unknown,
  signal: AbortSignal,
  report: (report: Report) => void,
): Promise<UploadResult> {
  let failed = cause;
  const trouble: Trouble = { renewed: false, blind: 0 };
  let offline = 0;
  for (let failures = 0; ; ) {
    const error = tools.toFailure(failed);
    const { retryable } = error;
    try {
      if (await isOffline(context, error)) await tools.waitForNetwork(context, signal, report, offline++);
      else {
        offline = 0;
        if (!(await recover(tools, context, error, trip, trouble, signal))) {
          if (!retryable || failures >= context.retries) throw error;
          report({ waiting: 'backoff' });
          await backOff(tools, context, failures++, error, signal);
          trouble.renewed = false;
        }
      }
    } catch (last) {
      signal.throwIfAborted();
      end(tools.toFailure(last), trip);
      trip.stale = false;
      throw last;
    }
    try {
      report({ waiting: null });
      return await attempt();
    } catch (next) {
      signal.throwIfAborted();
      failed = next;
    }
  }
}

/** The platform says so, and neither the request nor the host contradicts it. */
export async function isOffline({ online }: JourneyContext, { code, status, details }: WaybillError): Promise<boolean> {
  if (code !== 'network_error' || status || !online()) return false;
  const tried = details as Partial<Tried> | undefined;
  return !(tried?.url && (await isThere(tried.url)));
}

/** Not for good: who signs in again, or is given the right, completes what was sent. */
const notAllowed = /unauthenticated|forbidden/;

function end({ code, retryable, status }: WaybillError, trip: Trip): void {
  // The server knows of what it refused; and files in parts see to themselves.
  if (!retryable && !status && trip.lane) trip.abort();
  if (!(retryable || notAllowed.test(code)) || code === 'object_not_ready') trip.forget();
  if (/^source/.test(code)) trip.checksum = undefined;
}

export function backOff(
  { race }: Tools,
  { random }: JourneyContext,
  failures: number,
  { retryAfterSeconds }: WaybillError,
  signal: AbortSignal,
): Promise<void> {
  const ms = Math.min(longestBackoffMs, firstBackoffMs * 2 ** failures) * random();
  return sleep(race, (retryAfterSeconds || 0) * 1000 + ms, signal);
}

function sleep(race: Tools['race'], ms: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout>;
  return race<void>(
    signal,
    (resolve) => {
      timer = setTimeout(resolve, ms);
    },
    () => clearTimeout(timer),
  );
}

type GiveBack = (grant: string) => Promise<unknown>;
const givers = new WeakMap<JourneyContext, GiveBack>();

/** Nobody waits for it: a grant that is not given back expires. */
export async function giveBack({ createBatcher }: Tools, context: JourneyContext, grant: string): Promise<void> {
  const give =
    givers.get(context) ??
    createBatcher((grants: string[]) => context.api.call('/abort', { grants }, () => [] as undefined[]), grantsInAbort);
  givers.set(context, give);
  await give(grant).catch(() => {});
}

/**
 * Files that may have left the queue without being completed. What a page has sent and not heard of is sent once more
 * after a reload, so it must not run ahead of a server that completes slowly.
 */
const mostUncompleted = 96;
const uncompleted = new WeakMap<JourneyContext, number>();

/** Asks for completion until it is known how it ended. @param leave lets the next file in */
export async function finish(
  { race }: Tools,
  context: JourneyContext,
  grant: string | MultipartCompletion,
  signal: AbortSignal,
  leave?: () => void,
): Promise<UploadResult> {
  const count = (change: number) => {
    const files = (uncompleted.get(context) ?? 0) + change;
    uncompleted.set(context, files);
    return files;
  };
  // Completions go in batches and take their time: the next file need not wait for them.
  if (count(1) <= mostUncompleted) leave?.();
  try {
    for (;;) {
      const result: UploadResult | PendingUpload = await context.complete(grant);
      if ('file' in result) return result;
      // The storage takes long to move a large object.
      await sleep(race, Math.min(longestPendingSeconds, Math.max(1, result.retryAfterSeconds || 0)) * 1000, signal);
    }
  } finally {
    count(-1);
  }
}

/** @returns true to go on at once @throws WaybillError a better one */
async function recover(
  tools: Tools,
  context: JourneyContext,
  error: WaybillError,
  trip: Trip,
  trouble: Trouble,
  signal: AbortSignal,
): Promise<boolean> {
  const { code } = error;
  if ((trip.stale || code === 'upload_expired') && !trouble.renewed) {
    trouble.renewed = true;
    trip.stale = false;
    trip.forget();
    return true;
  }
  if (trip.lane && /unavailable|timeout/.test(code)) ease(trip.lane, context);
  // A changed size breaks the signature before anything looks at the checksum.
  if (trip.stale) await verify(tools, trip, signal);
  const tried = error.details as Tried;
  if (code === 'network_error' && tried?.moved === 0) {
    if (await isThere(tried.url)) {
      if (++trouble.blind >= Math.min(blindFailures, context.retries + 1)) {
        await verify(tools, trip, signal);
        throw tools.failure('cors_blocked', 'Uploads are not set up for this page.', {
          details: advise(tried, context.endpoint),
        });
      }
      // Some storages refuse without CORS headers: perhaps what is hidden is "expired".
      if (!trip.sent) trip.forget();
    } else trouble.blind = 0;
  }
  return false;
}

const eased = new WeakMap<Pool, number>();

/** Multiplicative decrease, of which additive increase is in the pool. */
export function ease(lane: Pool, { now }: Pick<JourneyContext, 'now'>): void {
  if (now() - (eased.get(lane) ?? Number.NEGATIVE_INFINITY) < calmMs) return;
  eased.set(lane, now());
  lane.limit = Math.max(1, lane.limit / 2);
}
