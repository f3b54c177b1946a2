/**
 * Parts on their way: hashed two at a time, asked for just ahead of need, sent through the lanes that all files share. Each
 * part has a worker that sees it through, so that what waits for a digest or an answer never keeps a connection idle.
 */
import type { ArrivedPart, ChecksumAlgorithm, SignedPart, WaybillError } from '../../protocol/index.ts';
import { s3PartLimits } from '../../protocol/parts.ts';
import type { Tried } from '../exchange.ts';
import type { Declared, JourneyContext, Report } from '../journey.ts';
import type { Tools } from '../tools.ts';
import type { PartCalls } from './calls.ts';
import type { Lanes } from './lanes.ts';
import { createPace, type Sending } from './pace.ts';
import type { Part, Parts } from './slices.ts';

/** What is known of a part that has arrived. */
export interface Arrived {
  /** Bytes. */
  size: number;
  /** Base64; undefined where the route asks for none. */
  checksum: string | undefined;
}

export interface Shipment {
  parts: Parts;
  /** Thrown when the parts are too large for the line; undefined where the file cannot be cut anew. */
  smaller: unknown;
  /** Whom the pools take it for: small files go first. */
  size: number;
  algorithm: ChecksumAlgorithm | null;
  done: Map<number, Arrived>;
  /** At the storage as far as it says, and not yet compared with what is here. */
  listed: Map<number, ArrivedPart>;
  /** By `algorithm`; kept, so that nothing is read twice without need. */
  hash(part: Part, signal: AbortSignal): Promise<string>;
  sign: PartCalls['sign'];
  /** Gets another grant for an expired one. @throws WaybillError `upload_expired` when the storage has dropped the parts */
  renew(): Promise<unknown>;
  lanes: Lanes;
}

/** A request that would expire on its way is not sent. */
const expiryMarginMs = 2000;
/** Whatever a server with two clocks says: what has just been signed is tried, and refused by the storage if need be. */
const leastUseMs = 5000;

/** @throws WaybillError; by then nothing is under way any more */
export async function sendParts(
  tools: Tools,
  context: JourneyContext,
  shipment: Shipment,
  signal: AbortSignal,
  report: (report: Report) => void,
): Promise<void> {
  const { failure, readRange } = tools;
  const { now, retries } = context;
  const { parts, size, algorithm, done, listed, lanes } = shipment;
  const recovery = await context.recovery();
  recovery.wake(context.exchange);
  const controllers = new Set<AbortController>();
  const moving = new Set<Sending>();
  const pace = createPace(now, (bytes, ms, partBytes) => {
    lanes.sent(bytes, ms);
    // Nothing has arrived: smaller parts cost only what is under way.
    if (!arrived && shipment.smaller && partBytes >= 1.5 * s3PartLimits.minPartBytes) stop(shipment.smaller);
  });
  let arrived = 0;
  for (const part of done.values()) arrived += part.size;
  let failed: { error: unknown } | undefined;

  function stop(error: unknown): void {
    failed ??= { error };
    for (const controller of controllers) controller.abort(error);
  }
  const stopped = () => stop(signal.reason);

  /** Until these are compared nothing is sent: parts of a wrong file must not join those that have arrived. */
  const toCompare = new Set<number>();
  for (const [partNumber, { checksum }] of listed) if (checksum) toCompare.add(partNumber);
  let allCompared = () => {};
  const comparing = toCompare.size
    ? new Promise<void>((resolve) => {
        allCompared = resolve;
      })
    : undefined;

  function tell(): void {
    let loaded = arrived;
    for (const part of moving) loaded += part.loaded;
    report({ loaded });
  }

  function arrive({ partNumber, source }: Part, checksum: string | undefined): void {
    done.set(partNumber, { size: source.size, checksum });
    parts.drop(partNumber);
    arrived += source.size;
    tell();
  }

  /** One attempt. Null when it was stopped for others: the part is sent again later. */
  async function send(signed: SignedPart, { source }: Part, signal: AbortSignal) {
    report({ status: 'uploading', waiting: null });
    const began = now();
    const attempt = new AbortController();
    const passOn = () => attempt.abort(signal.reason);
    signal.addEventListener('abort', passOn);
    let stoppedForOthers = false;
    const sending: Sending = {
      size: source.size,
      loaded: 0,
      stop() {
        stoppedForOthers = true;
        attempt.abort();
      },
    };
    moving.add(sending);
    pace.begin(sending);
    try {
      const answer = await context.exchange({ ...signed.request, source }, attempt.signal, (loaded) => {
        if (stoppedForOthers) return;
        pace.progress(sending, Math.min(loaded, source.size));
        tell();
      });
      if (answer.status < 300) lanes.sent(source.size, now() - began);
      return answer;
    } catch (cause) {
      if (stoppedForOthers && !signal.aborted) return null;
      throw cause;
    } finally {
      signal.removeEventListener('abort', passOn);
      moving.delete(sending);
      pace.end(sending);
    }
  }

  async function see(part: Part, signal: AbortSignal): Promise<void> {
    const { partNumber, source } = part;
    const known = listed.get(partNumber);
    const checksum = algorithm ? await shipment.hash(part, signal) : undefined;
    if (known?.checksum) {
      const { algorithm: verified, value } = known.checksum;
      if (
        known.size !== source.size ||
        value !== (verified === algorithm ? checksum : await tools.checksumOf(source, verified, signal))
      )
        throw failure('source_changed', 'This is not the file that was begun, or it has changed since.');
      listed.delete(partNumber);
      toCompare.delete(partNumber);
      if (!toCompare.size) allCompared();
      return arrive(part, checksum);
    }
    if (comparing) await Promise.race([comparing, rejectedBy(signal)]);

    let signed: SignedPart | undefined;
    let until = 0;
    let [lane, host] = lanes.pick();
    let failures = 0;
    let offline = 0;
    let renewed = false;
    const declared: Declared = { source, algorithm, checksum };
    try {
      for (;;) {
        try {
          signal.throwIfAborted();
          if (!signed || now() > until) {
            const asked = now();
            signed = await shipment.sign({
              partNumber,
              size: source.size,
              ...(algorithm && checksum && { checksum: { algorithm, value: checksum } }),
              ...(host && { host }),
            });
            until = asked + Math.max(leastUseMs, signed.expiresInSeconds * 1000 - expiryMarginMs);
          }
          const request = signed;
          const answer = await lanes.through(lane, size, signal, async () => {
            await Promise.race([pace.turn(), rejectedBy(signal)]);
            // Expired while it waited: asked for again outside, so that the connection is free meanwhile.
            const answer = now() > until ? pace.skip() : await send(request, part, signal);
            if (answer && answer.status >= 300) throw await recovery.refusal(tools, answer, declared, signal);
            return answer;
          });
          if (answer) return arrive(part, checksum);
        } catch (cause) {
          signal.throwIfAborted();
          const error = cause as WaybillError;
          const { code, status, retryable } = error;
          // A browser reports a file that changed or vanished as a failure of the network.
          if (code === 'network_error') await readRange(source, 0, Math.min(1, source.size));
          if (await recovery.isOffline(context, error)) {
            await tools.waitForNetwork(context, signal, report, offline++);
            continue;
          }
          offline = 0;
          if (code === 'upload_expired' && !renewed) {
            renewed = true;
            await shipment.renew();
            continue;
          }
          if (declared.stale) {
            declared.stale = false;
            signed = undefined;
            // The storage knows nothing of this upload any more: the server knows whether it has ended, and how.
            if (status === 404) await shipment.renew();
            if (!renewed) {
              renewed = true;
              continue;
            }
            await recovery.verify(tools, declared, signal);
          }
          if (/unavailable|timeout/.test(code)) recovery.ease(lanes.pool(lane), context);
          // Before anything has arrived it may be CORS: the journey finds out.
          if (code === 'network_error' && !arrived && (error.details as Tried | undefined)?.moved === 0) throw error;
          if (!retryable || failures >= retries) throw error;
          if (!moving.size) report({ waiting: 'backoff' });
          await recovery.backOff(tools, context, failures++, error, signal);
          renewed = false;
          lanes.leave(lane);
          [lane, host] = lanes.pick();
          if (host !== undefined) signed = undefined;
        }
      }
    } finally {
      lanes.leave(lane);
    }
  }

  async function work(): Promise<void> {
    for (;;) {
      if (failed) return;
      const next = parts.next(signal);
      let part: Part | null = null;
      const controller = new AbortController();
      controllers.add(controller);
      try {
        part = await Promise.race([next, rejectedBy(controller.signal)]);
        if (!part) return;
        await see(part, controller.signal);
      } catch (error) {
        if (part) parts.add(part.partNumber);
        else
          next.then(
            (late) => late && parts.add(late.partNumber),
            () => {},
          );
        stop(error);
      } finally {
        controllers.delete(controller);
      }
    }
  }

  tell();
  // Found again: until the first part goes out, what is here is read and compared with what is there.
  if (listed.size && algorithm) report({ status: 'hashing' });
  signal.addEventListener('abort', stopped);
  try {
    const workers: Promise<void>[] = [];
    const most = Math.min(parts.most, lanes.width * 2);
    for (let n = 0; n < most; n++) workers.push(work());
    await Promise.all(workers);
  } finally {
    signal.removeEventListener('abort', stopped);
  }
  signal.throwIfAborted();
  if (failed) throw failed.error ?? failure('internal_error', 'The upload failed. Please try again.');
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
