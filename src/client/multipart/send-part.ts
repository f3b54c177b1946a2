/** Sends one part. It is sent again after failures, until it has arrived or a failure concerns the whole upload. */
import type { ArrivedPart, SignedPart, WaybillError } from '../../protocol/index.ts';
import type { RequestDetails } from '../exchange.ts';
import type { TransportResponse } from '../types.ts';
import type { Part } from './file-parts.ts';
import type { Host } from './hosts.ts';
import { otherFileError } from './load.ts';
import type { SendingPart } from './pace.ts';
import { rejectOnAbort, type SendingParts } from './sending.ts';
import { type MultipartUpload, renewGrant, reportProgress } from './upload.ts';

/** A request that expires sooner than this is not sent. */
const expiryMarginMs = 2000;
/** A signed request is used for at least this time. With a very short lifetime, it would be signed again and again. */
const minUseMs = 5000;

/** The state of one part while it is sent. */
interface PartState {
  readonly part: Part;
  readonly checksum: string | undefined;
  host: Host;
  signed: (SignedPart & { host: Host; expiresAt: number }) | undefined;
  failures: number;
  offlineFailures: number;
  /** Whether the part was signed again, or the grant was renewed, since the last pause. */
  renewed: boolean;
}

/** What to do after a failed attempt. */
type PartDecision = 'wait for network' | 'renew grant' | 'sign again' | 'back off';

/** @throws WaybillError when the failure concerns the whole upload, or the signal's reason */
export async function sendPart(sending: SendingParts, part: Part, signal: AbortSignal): Promise<void> {
  const { upload, compared } = sending;
  const { checksums, listed, hosts } = upload;
  const stored = listed.get(part.partNumber);
  const checksum = await checksums.of(part, signal);
  if (stored?.checksum) {
    await comparePart(sending, part, checksum, stored, signal);
    return sending.recordArrival(part, checksum);
  }
  await Promise.race([compared, rejectOnAbort(signal)]);
  const state: PartState = {
    part,
    checksum,
    host: hosts.pick(),
    signed: undefined,
    failures: 0,
    offlineFailures: 0,
    renewed: false,
  };
  try {
    while (!(await tryPart(sending, state, signal)));
    sending.recordArrival(part, checksum);
  } finally {
    hosts.release(state.host);
  }
}

/**
 * Compares a part that the storage has with the same part of this file.
 *
 * @throws WaybillError `source_changed` when they differ
 */
async function comparePart(
  { upload, confirm }: SendingParts,
  { partNumber, source }: Part,
  checksum: string | undefined,
  { size, checksum: stored }: ArrivedPart,
  signal: AbortSignal,
): Promise<void> {
  const { tools, checksums } = upload;
  const { algorithm, value } = stored as NonNullable<ArrivedPart['checksum']>;
  const own = algorithm === checksums.algorithm ? checksum : await tools.checksumOf(source, algorithm, signal);
  if (size !== source.size || value !== own) throw otherFileError(tools);
  confirm(partNumber);
}

/** One attempt, with the wait after its failure. @returns whether the part has arrived */
async function tryPart(sending: SendingParts, state: PartState, signal: AbortSignal): Promise<boolean> {
  const { upload, run } = sending;
  const { context, hosts } = upload;
  try {
    signal.throwIfAborted();
    return await sendThroughPool(sending, state, await signPart(upload, state), signal);
  } catch (cause) {
    signal.throwIfAborted();
    const error = cause as WaybillError;
    switch (await decideForPart(sending, state, error, signal)) {
      case 'wait for network':
        await upload.tools.waitForNetwork(context, { ...run, signal }, state.offlineFailures++);
        return false;
      case 'renew grant':
        state.renewed = true;
        await renewGrant(upload);
        break;
      case 'sign again':
        state.renewed = true;
        state.signed = undefined;
        break;
      case 'back off':
        if (!sending.underWay.size) reportProgress(upload, run, { waiting: 'backoff' });
        await sending.recovery.backOff(upload.tools, context, state.failures++, error, signal);
        state.renewed = false;
        hosts.release(state.host);
        state.host = hosts.pick();
    }
    state.offlineFailures = 0;
    return false;
  }
}

type SignedForHost = NonNullable<PartState['signed']>;

async function signPart(upload: MultipartUpload, state: PartState): Promise<SignedForHost> {
  const { context, calls, checksums } = upload;
  const { part, checksum, host, signed } = state;
  if (signed && signed.host === host && context.now() <= signed.expiresAt) return signed;
  const askedAt = context.now();
  const answer = await calls.sign({
    partNumber: part.partNumber,
    size: part.source.size,
    ...(checksums.algorithm && checksum && { checksum: { algorithm: checksums.algorithm, value: checksum } }),
    ...(host.index && { host: host.index }),
  });
  const expiresAt = askedAt + Math.max(minUseMs, answer.expiresInSeconds * 1000 - expiryMarginMs);
  state.signed = { ...answer, host, expiresAt };
  return state.signed;
}

/** Waits for a connection, and sends the part over it. @returns whether the part has arrived */
async function sendThroughPool(
  sending: SendingParts,
  { part, checksum, host }: PartState,
  signed: SignedForHost,
  signal: AbortSignal,
): Promise<boolean> {
  const { upload, pace, recovery } = sending;
  const { context, tools, hosts, checksums, info } = upload;
  // Smaller files go first.
  const fileSize = upload.source.size ?? info.limits.maxBytes;
  return hosts.connections(host)(fileSize, signal, async () => {
    await Promise.race([pace.waitForTurn(), rejectOnAbort(signal)]);
    if (context.now() > signed.expiresAt) {
      // The request has expired while it waited. The part is signed again outside of the pool, so that other parts can
      // use the connection in the meantime.
      pace.returnTurn();
      return false;
    }
    const answer = await sendRequest(sending, signed, part, signal);
    const bytes = { source: part.source, algorithm: checksums.algorithm, checksum };
    // There is no exception for 412, as in single.ts: parts carry no If-None-Match, so a part may be sent twice.
    if (answer && answer.status >= 300) throw await recovery.storageError(tools, answer, bytes, signal);
    return !!answer;
  });
}

/** Undefined when pace.ts has stopped the request so that other parts arrive earlier. The part is sent again. */
async function sendRequest(
  { upload, run, pace, underWay, reportLoaded }: SendingParts,
  { request }: SignedPart,
  { source }: Part,
  signal: AbortSignal,
): Promise<TransportResponse | undefined> {
  const { context, hosts } = upload;
  reportProgress(upload, run, { status: 'uploading', waiting: null });
  const startedAt = context.now();
  const controller = new AbortController();
  const abort = () => controller.abort();
  signal.addEventListener('abort', abort);
  let isStoppedByPace = false;
  const sendingPart: SendingPart = {
    size: source.size,
    loaded: 0,
    stop() {
      isStoppedByPace = true;
      abort();
    },
  };
  underWay.add(sendingPart);
  pace.begin(sendingPart);
  try {
    const answer = await context.exchange({ ...request, source }, controller.signal, (loaded) => {
      if (isStoppedByPace) return;
      pace.progress(sendingPart, Math.min(loaded, source.size));
      reportLoaded();
    });
    if (answer.status < 300) hosts.recordPart(source.size, context.now() - startedAt);
    return answer;
  } catch (cause) {
    if (isStoppedByPace && !signal.aborted) return undefined;
    throw cause;
  } finally {
    signal.removeEventListener('abort', abort);
    underWay.delete(sendingPart);
    pace.end(sendingPart);
  }
}

/** Decides what to do after a failed attempt. @throws WaybillError when the failure concerns the whole upload */
async function decideForPart(
  sending: SendingParts,
  state: PartState,
  error: WaybillError,
  signal: AbortSignal,
): Promise<PartDecision> {
  const { upload, recovery } = sending;
  const { tools, context, hosts, checksums } = upload;
  const { part, checksum, renewed } = state;
  const { source } = part;
  const { code, retryable } = error;
  const kind = recovery.clientErrorKind(code);
  const verify = () => recovery.verifySource(tools, { source, algorithm: checksums.algorithm, checksum }, signal);
  // A browser reports a file that has changed or vanished as a failure of the network.
  if (kind === 'network') await tools.readRange(source, 0, Math.min(1, source.size));
  // WebKit does not end a request whose file changes while it is sent, and may still read the file.
  if (code === 'timeout') await verify();
  if (await recovery.isOffline(context, error)) return 'wait for network';
  if (code === 'upload_expired' && !renewed) return 'renew grant';
  if (code === 'storage_rejected') {
    // The storage does not know the upload. The server knows whether the upload has ended: then this call throws.
    if (error.status === 404) await renewGrant(upload);
    if (!renewed) return 'sign again';
    await verify();
  }
  if (kind === 'unavailable') recovery.easePool(hosts.connections(state.host), context);
  // Before any part has arrived, CORS may have hidden the answer. recovery/ finds out for the whole upload.
  const nothingSent = kind === 'network' && (error.details as RequestDetails | undefined)?.moved === 0;
  if (!retryable || state.failures >= context.retries || (nothingSent && !sending.arrivedBytes())) throw error;
  return 'back off';
}
