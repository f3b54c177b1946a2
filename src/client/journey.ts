/**
 * One file's way: checksum, grant, bytes, completion. What is known survives between runs, so the next one goes on where
 * the last one stopped: nothing is hashed or sent twice without need. Large files and streams go by ./multipart; what
 * to do when a step fails is in ./recovery. Both load when they are needed, and get what they need of this room handed.
 */
import type {
  ChecksumAlgorithm,
  FileDeclaration,
  GrantedUpload,
  MultipartCompletion,
  PendingUpload,
  RouteInfo,
  SingleGrant,
  Transfer,
  WaybillError,
} from '../protocol/index.ts';
import type { Api } from './api.ts';
import { checksumOf, type Elsewhere, readRange } from './checksum.ts';
import { missing, toFailure } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Multipart } from './multipart/index.ts';
import type { Pool } from './pool.ts';
import type { OpenSource } from './source.ts';
import { createKey, giveBack, tools, waitForNetwork } from './tools.ts';
import type { CheckContent, ResumeStore, Source, UploadResult, UploadStatus } from './types.ts';

export interface JourneyContext {
  api: Api;
  exchange: Exchange;
  openRoute(name: string): Promise<Route>;
  complete(grant: string | MultipartCompletion): Promise<UploadResult | PendingUpload>;
  /** Files on their way: what is beyond it costs a handle and nothing else. */
  underway: Pool;
  /** The same for files in parts, each of which can fill all connections. */
  large: Pool;
  hashing: Pool;
  checkContent: CheckContent | undefined;
  /** The requests under way to one host of the storage, over all files. */
  lane(host: string): Pool;
  recovery(): Promise<typeof import('./recovery/index.ts')>;
  /** Comes with the first file that is large enough. */
  elsewhere?: Elsewhere;
  /** Undefined: the platform's own. */
  resumeStore: ResumeStore | null | undefined;
  endpoint: string;
  /** Of each lane, when nothing is wrong. */
  concurrency: number;
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
  size?: number;
  total?: number;
  loaded?: number;
  warning?: WaybillError | null;
}

export interface Journey {
  /** @throws WaybillError, or the signal's reason */
  run(signal: AbortSignal, report: (report: Report) => void): Promise<UploadResult>;
  /** Gives the grant back. */
  abort(): void;
}

/** What is declared of a file. */
export interface Facts {
  fileName: string;
  contentType: string;
  metadata: unknown;
}

/** What was declared of some bytes, and how it stands with them. */
export interface Declared {
  source: Source;
  algorithm?: ChecksumAlgorithm | null;
  checksum?: string | undefined;
  /** The storage gave an answer that a new grant may mend. */
  stale?: boolean;
}

/** What ./recovery sees of a journey, and may change. */
export interface Trip extends Declared {
  /** The bytes are, or may be, there: ask for completion before sending them again. */
  sent: boolean;
  lane?: Pool;
  /** Drops the grant. */
  forget(): void;
  /** Gives the grant back. */
  abort(): void;
}

/** Characters: whatever they are, in UTF-8 they fit the wire's 255 bytes. */
const shortName = 84;
/** Forms up to this size go without upload listeners, and so without a CORS preflight. */
const silentFormMaxBytes = 256 * 1024;
/** A request that would expire on its way is not sent. */
const expiryMarginMs = 2000;
/** Files take hosts in turn. */
let turn = 0;

export function createJourney(
  context: JourneyContext,
  opened: OpenSource,
  route: string,
  facts: Facts,
  startOver?: boolean,
  /** How many files were given in the same call. */
  count = 1,
): Journey {
  // Streams, which have none, never come to where it matters.
  const source = opened as Source;
  const { size } = source;
  const { exchange, now } = context;
  let granted: GrantedUpload | undefined;
  let multipart: Multipart | undefined;
  /** When `granted` expires, on the monotonic clock: the user's wall clock may be wrong by years. */
  let until: number;
  let host: number;
  /** Why it is not known whether the bytes are there. */
  let doubt: unknown;
  let over: boolean;
  let looking: Promise<WaybillError | null> | undefined;
  /** What was asked for and not answered yet: it is repeated as it was, key included, so that the answer is one upload. */
  let declared: FileDeclaration | undefined;

  function forget(): void {
    granted = declared = undefined;
    trip.sent = false;
  }

  function abort(): void {
    over = true;
    giveBack(context, granted?.grant);
    multipart?.abort();
    forget();
  }

  const trip: Trip = { source, sent: false, forget, abort };

  async function run(signal: AbortSignal, report: (report: Report) => void): Promise<UploadResult> {
    over = false;

    async function prepare(): Promise<RouteInfo> {
      const [info] = await context.openRoute(route);
      // Empty, or vanished: browsers say 0 of both.
      if (size === 0) await readRange(source, 0, 0);
      const { limits } = info;
      const { minBytes, maxBytes, extensions, maxFiles } = limits;
      // If the quick check does not clearly pass, load the rules.
      if (
        !(size >= minBytes && size <= maxBytes) ||
        extensions ||
        count > maxFiles ||
        facts.fileName.length > shortName
      ) {
        const checks = await import('./checks/index.ts').catch(missing);
        const refusal = checks.judge(limits, facts, size, count);
        report({ fileName: facts.fileName });
        if (refusal) throw refusal;
      }
      trip.algorithm = info.checksum;
      return info;
    }

    async function getGrant(): Promise<void> {
      report({ status: 'granting' });
      until = now() - expiryMarginMs;
      const [{ hosts }, grant] = await context.openRoute(route);
      if (!declared) {
        host = hosts ? turn++ % hosts.length : 0;
        declared = {
          ...facts,
          size,
          checksum: (trip.algorithm && { algorithm: trip.algorithm, value: trip.checksum }) || undefined,
          host: host || undefined,
          idempotencyKey: createKey(),
        } as FileDeclaration;
      }
      granted = await grant(declared);
      declared = undefined;
      if (over) abort();
      signal.throwIfAborted();
      report({ contentType: granted.contentType });
      until += granted.expiresInSeconds * 1000;
    }

    async function send(): Promise<void> {
      if (!granted || now() > until) await getGrant();
      const { request, transfer } = granted as SingleGrant;
      report({ status: 'uploading', transfer, loaded: 0 });
      trip.sent = true;
      // Without a request the same bytes are there already.
      const answer =
        request &&
        (await exchange(
          { ...request, source },
          signal,
          transfer !== 'form' || size > silentFormMaxBytes ? (loaded) => report({ loaded }) : undefined,
        ));
      doubt = undefined;
      // 412: an earlier attempt arrived and its answer was lost. Completion compares the checksum.
      if (!answer || answer.status < 300 || answer.status === 412) return report({ loaded: size });
      trip.sent = false;
      throw await (await context.recovery()).refusal(tools, answer, trip, signal);
    }

    async function pass(leave: () => void): Promise<UploadResult> {
      if (!trip.sent) {
        const info = await prepare();
        if (context.checkContent && size) {
          looking ??= context.checkContent(source, facts, info.limits).catch(() => null);
          report({ warning: await looking });
        }
        if (isLarge(info, size)) {
          multipart ??= (await import('./multipart/index.ts').catch(missing)).createMultipart(
            tools,
            context,
            source,
            route,
            facts,
            startOver,
          );
          return multipart.run(signal, report, info);
        }
        if (!granted) {
          const { algorithm } = trip;
          if (algorithm && !trip.checksum) {
            report({ status: 'hashing' });
            trip.checksum = await context.hashing(size, signal, () =>
              checksumOf(source, algorithm, signal, context.elsewhere),
            );
          }
          await getGrant();
          report({ status: 'queued' });
        }
        try {
          trip.lane = context.lane(info.hosts?.[host] as string);
          await trip.lane(size, signal, send);
        } catch (error) {
          // Stopped in the middle: what a 412 says of the next attempt is still right.
          trip.sent &&= !signal.aborted;
          // Without a readable answer the bytes may be there all the same: completion tells.
          if (!trip.sent || !(error as WaybillError).retryable) throw error;
          // A browser reports a file that changed or vanished as a failure of the network.
          await readRange(source, 0, Math.min(1, size));
          doubt = error;
        }
      }
      signal.throwIfAborted();
      report({ status: 'completing' });
      try {
        const { finish } = await context.recovery();
        return await finish(tools, context, (granted as GrantedUpload).grant, signal, leave);
      } catch (error) {
        if (!doubt || (error as WaybillError).code !== 'object_not_ready') throw error;
        trip.sent = false;
        throw doubt;
      }
    }

    try {
      // Before the queue, so that all that will be refused is refused at once.
      const preparing = prepare();
      // While there surely is a network.
      context
        .recovery()
        .then(({ foresee }) => foresee(context, source))
        .catch(() => {});
      const info = await preparing.catch((error) => {
        if (!error.retryable) throw error;
      });
      return await context[info && isLarge(info, size) ? 'large' : 'underway'](size, signal, (leave) =>
        // What failed above waits like any other failure, as long as the server has asked for.
        (info ? pass(leave) : preparing.then(() => pass(leave))).catch(async (cause) => {
          for (let tries = 0; ; tries++) {
            signal.throwIfAborted();
            const recovery = await context.recovery().catch(() => {});
            if (recovery) return recovery.persist(tools, context, trip, () => pass(leave), cause, signal, report);
            if (!(await waitForNetwork(context, signal, report, tries))) throw cause;
          }
        }),
      );
    } catch (cause) {
      throw toFailure(cause);
    }
  }

  return { run, abort };
}

function isLarge({ transfers, multipartMinBytes }: RouteInfo, size: number | null): boolean {
  return size === null || (transfers.includes('multipart') && size >= multipartMinBytes);
}
