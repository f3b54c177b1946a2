/**
 * One file's way: checksum, grant, bytes, completion; and what to do when a step fails. What is known survives between
 * runs, so the next one goes on where the last one stopped: nothing is hashed or sent twice without need.
 */
import type {
  ChecksumAlgorithm,
  FileDeclaration,
  GrantedUpload,
  PendingUpload,
  RouteInfo,
  SingleGrant,
  Transfer,
  WaybillError,
} from '../protocol/index.ts';
import { isTemporary } from './answers.ts';
import { checksumOf, readRange, sourceChanged } from './checksum.ts';
import { failure, isFailure, missing } from './errors.ts';
import type { Exchange, Tried } from './exchange.ts';
import type { Pool } from './pool.ts';
import { race, sleep } from './race.ts';
import type { Source, UploadResult, UploadStatus } from './types.ts';

export interface JourneyContext {
  exchange: Exchange;
  openRoute(name: string): Promise<Route>;
  complete(grant: string): Promise<UploadResult | PendingUpload>;
  abort(grant: string): Promise<unknown>;
  /** Files on their way: what is beyond it costs a handle and nothing else. */
  underway: Pool;
  hashing: Pool;
  sending: Pool;
  retries: number;
  now: () => number;
  random: () => number;
  online: () => Promise<void> | undefined;
}

/** What is known of a route, and the queue for its grants. */
export type Route = [info: RouteInfo, grant: (declaration: FileDeclaration) => Promise<GrantedUpload>];

export interface Report {
  status?: UploadStatus;
  waiting?: 'offline' | 'backoff' | null;
  fileName?: string;
  contentType?: string;
  transfer?: Transfer;
  loaded?: number;
}

export interface Journey {
  /** @throws WaybillError, or the signal's reason */
  run(signal: AbortSignal, report: (report: Report) => void): Promise<UploadResult>;
  /** Gives the grant back. */
  abort(): void;
}

/** Characters: whatever they are, in UTF-8 they fit the wire's 255 bytes. */
const shortName = 84;
/** Forms up to this size go without upload listeners, and so without a CORS preflight. */
const silentFormMaxBytes = 256 * 1024;
const firstBackoffMs = 500;
const longestBackoffMs = 30_000;
/** A request that would expire on its way is not sent. */
const expiryMarginMs = 2000;
/** Failures in a row, the host being there, after which its answers are taken to be hidden from this page. */
const blindFailures = 3;

export function createJourney(
  context: JourneyContext,
  route: string,
  source: Source,
  fileName: string,
  contentType: string,
  metadata: unknown,
): Journey {
  const { size } = source;
  const { exchange, now, retries, online } = context;
  let algorithm: ChecksumAlgorithm | null;
  let checksum: string | undefined;
  let granted: GrantedUpload | undefined;
  /** When `granted` expires, on the monotonic clock: the user's wall clock may be wrong by years. */
  let until: number;
  /** The bytes are, or may be, there: ask for completion before sending them again. */
  let sent = false;
  /** Why it is not known whether they are. */
  let doubt: unknown;
  /** The storage gave an answer that a new grant may mend. */
  let stale = false;

  function forget(): void {
    granted = undefined;
    sent = false;
  }

  function abort(): void {
    // Nobody waits for it: a grant that is not given back expires.
    if (granted) context.abort(granted.grant).catch(() => {});
    forget();
  }

  async function run(signal: AbortSignal, report: (report: Report) => void): Promise<UploadResult> {
    const digest = () => checksumOf(source, algorithm as ChecksumAlgorithm, signal);

    /** @throws WaybillError `source_changed` when the bytes are no longer those that were declared */
    async function verify(): Promise<void> {
      if (checksum && checksum !== (await digest())) throw sourceChanged();
    }

    async function prepare(): Promise<void> {
      const [{ limits, checksum: wanted }] = await context.openRoute(route);
      const { contentTypes, minBytes, maxBytes, extensions } = limits;
      const family = contentType.replace(/^(image|video|audio)\/[\w.-]+$/, '$1/*');
      // Anything but a plain pass is for the law to judge.
      if (
        !contentTypes?.some((type) => type === contentType || type === family) ||
        !(size >= minBytes && size <= maxBytes) ||
        extensions ||
        fileName.length > shortName
      ) {
        const checks = await import('./checks/index.ts').catch(missing);
        contentType ||= checks.contentTypeOf(fileName);
        fileName = checks.shorten(fileName);
        report({ contentType, fileName });
        const refusal = checks.checkLimits(limits, { fileName, size, contentType });
        if (refusal) throw refusal;
      }
      algorithm = wanted;
    }

    async function getGrant(): Promise<void> {
      report({ status: 'granting' });
      until = now() - expiryMarginMs;
      const [, grant] = await context.openRoute(route);
      granted = await grant({
        fileName,
        size,
        contentType,
        checksum: algorithm && { algorithm, value: checksum },
        metadata,
      } as FileDeclaration);
      if (signal.aborted) abort();
      signal.throwIfAborted();
      until += granted.expiresInSeconds * 1000;
    }

    async function send(): Promise<void> {
      if (!granted || now() > until) await getGrant();
      const { request, transfer } = granted as SingleGrant;
      report({ status: 'uploading', transfer, loaded: 0 });
      sent = true;
      const answer = await exchange(
        { ...request, source },
        signal,
        transfer !== 'form' || size > silentFormMaxBytes
          ? (loaded) => report({ loaded: Math.min(loaded, size) })
          : undefined,
      );
      const { status, text, header } = answer;
      doubt = undefined;
      // 412: an earlier attempt arrived and its answer was lost. Completion compares the checksum.
      if (status < 300 || status === 412) return report({ loaded: size });

      sent = false;
      const code = /<Code>(\w+)/.exec(text)?.[1] ?? '';
      const mismatch = /Digest|Checksum/.test(code);
      if (mismatch) await verify();
      const temporary = mismatch || isTemporary(status) || status === 409 || /Timeout|Incomplete/.test(code);
      stale = !temporary;
      throw failure(temporary ? 'storage_unavailable' : 'storage_rejected', `Storage: ${status} ${code}`, {
        status,
        retryable: temporary,
        retryAfterSeconds: +(header('retry-after') || 0),
      });
    }

    async function pass(): Promise<UploadResult> {
      if (!sent) {
        if (!granted) {
          await prepare();
          if (algorithm && !checksum) {
            report({ status: 'hashing' });
            checksum = await context.hashing(size, signal, digest);
          }
          await getGrant();
          report({ status: 'queued' });
        }
        try {
          await context.sending(size, signal, send);
        } catch (error) {
          // Without a readable answer the bytes may be there all the same: completion tells.
          if (!sent || !(error as WaybillError).retryable) throw error;
          // A browser reports a file that changed or vanished as a failure of the network.
          await readRange(source, 0, Math.min(1, size));
          doubt = error;
        }
      }
      signal.throwIfAborted();
      report({ status: 'completing' });
      try {
        for (;;) {
          const result = await context.complete((granted as GrantedUpload).grant);
          if ('file' in result) return result;
          // The storage takes long to move a large object.
          await sleep(result.retryAfterSeconds * 1000, signal);
        }
      } catch (error) {
        if (!doubt || (error as WaybillError).code !== 'object_not_ready') throw error;
        sent = false;
        throw doubt;
      }
    }

    async function persist(): Promise<UploadResult> {
      let failures = 0;
      let blind = 0;
      let renewed = false;
      for (;;) {
        try {
          const connection = online();
          if (connection) {
            report({ waiting: 'offline' });
            await race<void>(signal, (resolve) => connection.then(resolve));
          }
          report({ waiting: null });
          return await pass();
        } catch (cause) {
          signal.throwIfAborted();
          const error = toFailure(cause);
          const { code } = error;
          if (code === 'network_error' && online()) continue;
          if ((stale || code === 'upload_expired') && !renewed) {
            renewed = true;
            stale = false;
            forget();
            continue;
          }
          // A changed size breaks the signature before anything looks at the checksum.
          if (stale) await verify();
          const tried = error.details as Tried;
          if (code === 'network_error' && tried?.moved === 0) {
            // Where not even our own chunk arrives, it is the network.
            const cors = await import('./browser/cors.ts').catch(() => {});
            if (cors && (await cors.isThere(tried.url))) {
              if (++blind >= Math.min(blindFailures, retries + 1)) {
                await verify();
                const [message, details] = cors.advise(tried);
                throw failure('cors_blocked', message, { details });
              }
              // Some storages refuse without CORS headers: perhaps what is hidden is "expired".
              if (!sent) forget();
            } else blind = 0;
          }
          if (!error.retryable || failures >= retries) throw error;
          report({ waiting: 'backoff' });
          const backoff = Math.min(longestBackoffMs, firstBackoffMs * 2 ** failures++) * context.random();
          await sleep((error.retryAfterSeconds || 0) * 1000 + backoff, signal);
          renewed = false;
        }
      }
    }

    try {
      // Before the queue, so that all that will be refused is refused at once.
      await prepare().catch((error) => {
        if (!error.retryable) throw error;
      });
      return await context.underway(size, signal, persist);
    } catch (cause) {
      const error = toFailure(cause);
      const { code, retryable, status } = error;
      if (!retryable && !status) abort();
      if (!retryable || code === 'object_not_ready') forget();
      if (/^source/.test(code)) checksum = undefined;
      throw error;
    }
  }

  return { run, abort };
}

/** What is not ours is a bug, here or in a callback. */
function toFailure(cause: unknown): WaybillError {
  return isFailure(cause) ? cause : failure('internal_error', `${cause}`, { cause });
}
