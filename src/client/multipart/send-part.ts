/** Sends one part, until it has arrived or the whole upload has to decide. */
import type { ArrivedPart, SignedPart, WaybillError } from '../../protocol/index.ts';
import type { RequestDetails } from '../exchange.ts';
import type { TransportResponse } from '../types.ts';
import type { Part } from './file-parts.ts';
import type { Host } from './hosts.ts';
import { otherFile } from './load.ts';
import type { SendingPart } from './pace.ts';
import { rejectOnAbort, type SendingParts } from './sending.ts';
import { type MultipartUpload, renewGrant, reportProgress } from './upload.ts';

/** A request that expires sooner than this is not sent. */
const expiryMarginMs = 2000;
/** A part that was just signed is tried even if it seems to expire at once: the server's clocks may differ. */
const minUseMs = 5000;

/** What is known of one part while it is tried. */
interface PartAttempt {
  readonly part: Part;
  readonly checksum: string | undefined;
  host: Host;
  signed: (SignedPart & { host: Host; expiresAt: number }) | undefined;
  failures: number;
  offlineFailures: number;
  /** It was signed again, or the grant was renewed, since the last pause. */
  renewed: boolean;
}

/** What follows a failed attempt. */
type PartDecision = 'wait for network' | 'renew grant' | 'sign again' | 'back off';

/** @throws WaybillError that concerns the whole upload, or the signal's reason */
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
  const attempt: PartAttempt = {
    part,
    checksum,
    host: hosts.pick(),
    signed: undefined,
    failures: 0,
    offlineFailures: 0,
    renewed: false,
  };
  try {
    while (!(await tryPart(sending, attempt, signal)));
    sending.recordArrival(part, checksum);
  } finally {
    hosts.release(attempt.host);
  }
}

/** @throws WaybillError `source_changed` when the part in the storage is not the part of this file */
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
  if (size !== source.size || value !== own) throw otherFile(tools);
  confirm(partNumber);
}

/** One attempt, with the wait after its failure. @returns whether the part has arrived */
async function tryPart(sending: SendingParts, attempt: PartAttempt, signal: AbortSignal): Promise<boolean> {
  const { upload, run } = sending;
  const { context, hosts } = upload;
  try {
    signal.throwIfAborted();
    return await sendThroughPool(sending, attempt, await signPart(upload, attempt), signal);
  } catch (cause) {
    signal.throwIfAborted();
    const error = cause as WaybillError;
    switch (await decideForPart(sending, attempt, error, signal)) {
      case 'wait for network':
        await upload.tools.waitForNetwork(context, { ...run, signal }, attempt.offlineFailures++);
        return false;
      case 'renew grant':
        attempt.renewed = true;
        await renewGrant(upload);
        break;
      case 'sign again':
        attempt.renewed = true;
        attempt.signed = undefined;
        break;
      case 'back off':
        if (!sending.underWay.size) reportProgress(upload, run, { waiting: 'backoff' });
        await sending.recovery.backOff(upload.tools, context, attempt.failures++, error, signal);
        attempt.renewed = false;
        hosts.release(attempt.host);
        attempt.host = hosts.pick();
    }
    attempt.offlineFailures = 0;
    return false;
  }
}

type SignedAttempt = NonNullable<PartAttempt['signed']>;

async function signPart(upload: MultipartUpload, attempt: PartAttempt): Promise<SignedAttempt> {
  const { context, calls, checksums } = upload;
  const { part, checksum, host, signed } = attempt;
  if (signed && signed.host === host && context.now() <= signed.expiresAt) return signed;
  const askedAt = context.now();
  const answer = await calls.sign({
    partNumber: part.partNumber,
    size: part.source.size,
    ...(checksums.algorithm && checksum && { checksum: { algorithm: checksums.algorithm, value: checksum } }),
    ...(host.index && { host: host.index }),
  });
  const expiresAt = askedAt + Math.max(minUseMs, answer.expiresInSeconds * 1000 - expiryMarginMs);
  attempt.signed = { ...answer, host, expiresAt };
  return attempt.signed;
}

/** Waits for a connection, and sends the part over it. @returns whether the part has arrived */
async function sendThroughPool(
  sending: SendingParts,
  { part, checksum, host }: PartAttempt,
  signed: SignedAttempt,
  signal: AbortSignal,
): Promise<boolean> {
  const { upload, pace, recovery } = sending;
  const { context, tools, hosts, checksums, info } = upload;
  // Smaller files go first.
  const fileSize = upload.source.size ?? info.limits.maxBytes;
  return hosts.connections(host)(fileSize, signal, async () => {
    await Promise.race([pace.waitForTurn(), rejectOnAbort(signal)]);
    if (context.now() > signed.expiresAt) {
      // It has expired while it waited. It is signed again outside, so that the connection is free meanwhile.
      pace.returnTurn();
      return false;
    }
    const answer = await sendRequest(sending, signed, part, signal);
    const bytes = { source: part.source, algorithm: checksums.algorithm, checksum };
    if (answer && answer.status >= 300) throw await recovery.storageError(tools, answer, bytes, signal);
    return !!answer;
  });
}

/** Undefined when the request was stopped so that other parts arrive earlier: the part is sent again later. */
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
  let yielded = false;
  const sendingPart: SendingPart = {
    size: source.size,
    loaded: 0,
    stop() {
      yielded = true;
      abort();
    },
  };
  underWay.add(sendingPart);
  pace.begin(sendingPart);
  try {
    const answer = await context.exchange({ ...request, source }, controller.signal, (loaded) => {
      if (yielded) return;
      pace.progress(sendingPart, Math.min(loaded, source.size));
      reportLoaded();
    });
    if (answer.status < 300) hosts.recordPart(source.size, context.now() - startedAt);
    return answer;
  } catch (cause) {
    if (yielded && !signal.aborted) return undefined;
    throw cause;
  } finally {
    signal.removeEventListener('abort', abort);
    underWay.delete(sendingPart);
    pace.end(sendingPart);
  }
}

/** @throws WaybillError when the whole upload has to decide */
async function decideForPart(
  sending: SendingParts,
  attempt: PartAttempt,
  error: WaybillError,
  signal: AbortSignal,
): Promise<PartDecision> {
  const { upload, recovery } = sending;
  const { tools, context, hosts, checksums } = upload;
  const { part, checksum, renewed } = attempt;
  const { source } = part;
  const { code, retryable } = error;
  const kind = recovery.clientErrorKind(code);
  // A browser reports a file that has changed or vanished as a failure of the network.
  if (kind === 'network') await tools.readRange(source, 0, Math.min(1, source.size));
  if (await recovery.isOffline(context, error)) return 'wait for network';
  if (code === 'upload_expired' && !renewed) return 'renew grant';
  if (code === 'storage_rejected') {
    // The storage does not know the upload: the server knows whether it has ended, and how.
    if (error.status === 404) await renewGrant(upload);
    if (!renewed) return 'sign again';
    await recovery.verifySource(tools, { source, algorithm: checksums.algorithm, checksum }, signal);
  }
  if (kind === 'unavailable') recovery.easePool(hosts.connections(attempt.host), context);
  // Before any part has arrived, CORS may hide the answer: the upload as a whole finds out.
  const nothingSent = kind === 'network' && (error.details as RequestDetails | undefined)?.moved === 0;
  if (!retryable || attempt.failures >= context.retries || (nothingSent && !sending.arrivedBytes())) throw error;
  return 'back off';
}
