/**
 * An upload in one request: a PUT, or a POST of a form. It is loaded with the first file. It imports no code of the
 * client, so that a page's bundle stays in one piece.
 */
import type { FileDeclaration, GrantedUpload, RouteInfo, SingleGrant, WaybillError } from '../protocol/index.ts';
import type { ClientContext, DeclaredFile } from './context.ts';
import type { Outcome, Run } from './steps.ts';
import type { Tools } from './tools.ts';
import type { Transfer } from './transfer.ts';
import type { Source, TransportResponse } from './types.ts';

/** Forms up to this size are sent without upload listeners, and therefore without a CORS preflight. */
const silentFormMaxBytes = 256 * 1024;
/** A request that expires sooner than this is not sent. */
const expiryMarginMs = 2000;

export function createSingle(
  tools: Tools,
  context: ClientContext,
  source: Source,
  route: string,
  file: DeclaredFile,
): Transfer {
  const { size } = source;
  const { now } = context;
  let info: RouteInfo;
  let checksum: string | undefined;
  /** Repeated unchanged, with its idempotency key, until it is answered, so that all answers are about one upload. */
  let declaration: FileDeclaration | undefined;
  let host: number | undefined;
  let granted: GrantedUpload | undefined;
  /** When `granted` expires, by the monotonic clock: the user's wall clock may be wrong by years. */
  let expiresAt: number;
  /** The bytes are, or may be, in the storage: completion is tried before they are sent again. */
  let sent: boolean;
  /** The failure after which it is unknown whether the bytes have arrived. */
  let unanswered: WaybillError | undefined;

  const connections = () => context.connections(info.hosts?.[host ?? 0] as string);

  const bytes = () => ({ source, algorithm: info.checksum, checksum });

  function forget(): void {
    granted = declaration = unanswered = undefined;
    sent = false;
  }

  function abort(): void {
    tools.giveBack(context, granted?.grant);
    forget();
  }

  async function requestGrant(run: Run): Promise<void> {
    run.report({ status: 'granting' });
    expiresAt = now() - expiryMarginMs;
    const { grant } = await context.openRoute(route);
    if (!declaration) {
      host = (info.hosts && context.turns++ % info.hosts.length) || undefined;
      declaration = {
        ...file,
        size,
        checksum: (info.checksum && { algorithm: info.checksum, value: checksum }) || undefined,
        host,
        idempotencyKey: tools.createKey(),
      } as FileDeclaration;
    }
    granted = await grant(declaration);
    declaration = undefined;
    if (run.aborted) abort();
    run.signal.throwIfAborted();
    run.report({ contentType: granted.contentType });
    expiresAt += granted.expiresInSeconds * 1000;
  }

  async function sendBytes({ signal, report }: Run): Promise<Outcome> {
    const { request, transfer } = granted as SingleGrant;
    report({ status: 'uploading', transfer, loaded: 0 });
    let answer: TransportResponse | undefined;
    try {
      // Without a request, the same bytes are in the storage already.
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
      unanswered = error as WaybillError;
      sent = true;
      return 'unanswered';
    }
    // 412: an earlier attempt arrived and its answer was lost. Completion compares the checksum.
    if (answer && answer.status >= 300 && answer.status !== 412)
      throw await (await context.loadRecovery()).storageError(tools, answer, bytes(), signal);
    report({ loaded: size });
    sent = true;
    return 'stored';
  }

  return {
    abort,
    async load(_, loaded) {
      info = loaded;
      return sent ? 'stored' : granted ? 'granted' : 'new';
    },
    async begin(run) {
      const { signal, report } = run;
      const algorithm = info.checksum;
      if (algorithm && !checksum) {
        report({ status: 'hashing' });
        checksum = await context.hashPool(size, signal, () =>
          tools.checksumOf(source, algorithm, signal, context.hashBlob),
        );
      }
      await requestGrant(run);
      report({ status: 'queued' });
      return 'granted';
    },
    async send(run) {
      if (unanswered) {
        // The bytes have not arrived, so the failure of their request is what recovery decides about.
        const error = unanswered;
        unanswered = undefined;
        throw error;
      }
      return connections()(size, run.signal, async () => {
        // Renewed here, after a long wait in the queue, so that the file keeps its place.
        if (now() > expiresAt) await requestGrant(run);
        return sendBytes(run);
      });
    },
    async complete(run) {
      run.report({ status: 'completing' });
      const { waitForCompletion } = await context.loadRecovery();
      try {
        run.result = await waitForCompletion(tools, context, (granted as GrantedUpload).grant, run);
        return 'completed';
      } catch (error) {
        if (!unanswered || (error as WaybillError).code !== 'object_not_ready') throw error;
        sent = false;
        return 'missing';
      }
    },
    async recover(_step, error, decide) {
      const decision = await decide(error, granted && { bytes: bytes(), connections: connections() });
      if (decision.grant === 'give back') {
        abort();
        // The file may have changed.
        checksum = undefined;
      } else if (decision.action === 'renew' || decision.grant === 'forget') forget();
      return decision;
    },
  };
}
