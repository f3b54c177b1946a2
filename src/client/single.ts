/**
 * An upload in one request: a PUT, or a POST of a form. It is loaded with the first file. It imports no code of the
 * client, so that a page's bundle stays in one piece.
 */
import type { FileDeclaration, GrantedUpload, RouteInfo, SingleGrant, WaybillError } from '../protocol/index.ts';
import type { ClientContext, DeclaredFile, HashedSource } from './context.ts';
import type { Pool } from './pool.ts';
import type { Outcome, Run } from './steps.ts';
import type { Tools } from './tools.ts';
import type { Transfer } from './transfer.ts';
import type { Source, TransportResponse } from './types.ts';

/** The state of the upload. It is kept between runs, so that the next run continues where the last one stopped. */
interface SingleUpload {
  readonly tools: Tools;
  readonly context: ClientContext;
  readonly source: Source;
  readonly route: string;
  readonly info: RouteInfo;
  readonly file: DeclaredFile;
  checksum?: string | undefined;
  /**
   * Sent again unchanged, with its idempotency key, until it is answered, so that all answers are about one upload.
   */
  declaration?: FileDeclaration | undefined;
  /** The index of the storage's host; undefined for the first. */
  host?: number | undefined;
  grant?: (GrantedUpload & { expiresAt: number }) | undefined;
  /** Whether the bytes are, or may be, in the storage. Then completion is tried before they are sent again. */
  wasSent: boolean;
  /** The failure of a request after which it is unknown whether its bytes have arrived. */
  unanswered?: WaybillError | undefined;
}

/** Forms up to this size are sent without upload listeners, and therefore without a CORS preflight. */
const silentFormMaxBytes = 256 * 1024;
/** A request that expires sooner than this is not sent. */
const expiryMarginMs = 2000;
/**
 * A PUT is signed with `If-None-Match: *`, so a storage answers 412 when the object exists already: an earlier attempt
 * has arrived, and its answer was lost. Completion then verifies the object, by its checksum or on a `size-only` route
 * by its size.
 */
const alreadyStoredStatus = 412;

export function createSingle(
  tools: Tools,
  context: ClientContext,
  source: Source,
  route: string,
  file: DeclaredFile,
): Transfer {
  /** Set by the first `load`, which all other steps follow. */
  let upload: SingleUpload | undefined;
  const loaded = () => upload as SingleUpload;

  return {
    async load(_, info) {
      upload ??= { tools, context, source, route, info, file, wasSent: false };
      return upload.wasSent ? 'stored' : upload.grant ? 'granted' : 'new';
    },
    begin: (run) => beginUpload(loaded(), run),
    send: (run) => sendUpload(loaded(), run),
    complete: (run) => completeUpload(loaded(), run),
    async recover(_, error, decide) {
      if (!upload) return decide(error);
      const single = upload.grant && { bytes: bytesOf(upload), connections: connectionsOf(upload) };
      const decision = await decide(error, single);
      if (decision.grant === 'give back') {
        giveUploadBack(upload);
        // The file may have changed.
        upload.checksum = undefined;
      } else if (decision.action === 'renew' || decision.grant === 'forget') forgetGrant(upload);
      return decision;
    },
    abort() {
      if (upload) giveUploadBack(upload);
    },
  };
}

const bytesOf = ({ source, info, checksum }: SingleUpload): HashedSource => ({
  source,
  algorithm: info.checksum,
  checksum,
});

const connectionsOf = ({ context, info, host = 0 }: SingleUpload): Pool =>
  context.connections(info.hosts?.[host] as string);

function forgetGrant(upload: SingleUpload): void {
  upload.grant = upload.declaration = upload.unanswered = undefined;
  upload.wasSent = false;
}

function giveUploadBack(upload: SingleUpload): void {
  upload.tools.giveBack(upload.context, upload.grant?.grant);
  forgetGrant(upload);
}

async function beginUpload(upload: SingleUpload, run: Run): Promise<Outcome> {
  const { tools, context, source, info } = upload;
  const { signal, report } = run;
  const algorithm = info.checksum;
  if (algorithm && !upload.checksum) {
    report({ status: 'hashing' });
    upload.checksum = await context.hashPool(source.size, signal, () =>
      tools.checksumOf(source, algorithm, signal, context.hashBlob),
    );
  }
  await requestGrant(upload, run);
  report({ status: 'queued' });
  return 'granted';
}

async function requestGrant(upload: SingleUpload, run: Run): Promise<void> {
  const { tools, context, source, info, file, checksum } = upload;
  run.report({ status: 'granting' });
  // Measured by the monotonic clock, because the user's wall clock may be wrong by years.
  const askedAt = context.now();
  const { grant: ask } = await context.openRoute(upload.route);
  if (!upload.declaration) {
    upload.host = (info.hosts && context.turns++ % info.hosts.length) || undefined;
    upload.declaration = {
      ...file,
      size: source.size,
      checksum: (info.checksum && { algorithm: info.checksum, value: checksum }) || undefined,
      host: upload.host,
      idempotencyKey: tools.createKey(),
    } as FileDeclaration;
  }
  const granted = await ask(upload.declaration);
  upload.grant = { ...granted, expiresAt: askedAt + granted.expiresInSeconds * 1000 - expiryMarginMs };
  upload.declaration = undefined;
  if (run.aborted) giveUploadBack(upload);
  run.signal.throwIfAborted();
  run.report({ contentType: granted.contentType });
}

async function sendUpload(upload: SingleUpload, run: Run): Promise<Outcome> {
  const { context, source, unanswered } = upload;
  if (unanswered) {
    // The server has not found the bytes, so recovery decides about the failure of the request that sent them.
    upload.unanswered = undefined;
    throw unanswered;
  }
  return connectionsOf(upload)(source.size, run.signal, async () => {
    // The grant may have expired during a long wait for a connection. It is renewed here, so that the file keeps its
    // connection.
    if (context.now() > (upload.grant?.expiresAt as number)) await requestGrant(upload, run);
    return sendBytes(upload, run);
  });
}

async function sendBytes(upload: SingleUpload, { signal, report }: Run): Promise<Outcome> {
  const { tools, context, source } = upload;
  const { size } = source;
  const { request, transfer } = upload.grant as SingleGrant;
  report({ status: 'uploading', transfer, loaded: 0 });
  let answer: TransportResponse | undefined;
  try {
    // The grant has no request when the same bytes are in the storage already.
    if (request)
      answer = await context.exchange(
        { ...request, source },
        signal,
        transfer !== 'form' || size > silentFormMaxBytes ? (loaded) => report({ loaded }) : undefined,
      );
  } catch (error) {
    signal.throwIfAborted();
    if (!(error as WaybillError).retryable) throw error;
    // A browser reports a file that has changed or vanished as a failure of the network.
    await tools.readRange(source, 0, Math.min(1, size));
    upload.unanswered = error as WaybillError;
    upload.wasSent = true;
    return 'unanswered';
  }
  if (answer && answer.status >= 300 && answer.status !== alreadyStoredStatus)
    throw await (await context.loadRecovery()).storageError(tools, answer, bytesOf(upload), signal);
  report({ loaded: size });
  upload.wasSent = true;
  return 'stored';
}

async function completeUpload(upload: SingleUpload, run: Run): Promise<Outcome> {
  const { tools, context, grant, unanswered } = upload;
  run.report({ status: 'completing' });
  const { waitForCompletion } = await context.loadRecovery();
  try {
    run.result = await waitForCompletion(tools, context, (grant as GrantedUpload).grant, run);
    return 'completed';
  } catch (error) {
    if (!unanswered || (error as WaybillError).code !== 'object_not_ready') throw error;
    upload.wasSent = false;
    return 'missing';
  }
}
