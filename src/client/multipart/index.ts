/**
 * multipart: one large file, or a stream, in parts: begun or found again, sent, completed. Loaded with the first of them; it
 * imports no code of the client but the planner, so that a page's bundle stays in one piece. Long, because what may follow what is
 * one story: recall or begin, send, renew, complete, begin anew.
 */
import type {
  ChecksumAlgorithm,
  FileDeclaration,
  MultipartGrant,
  RouteInfo,
  WaybillError,
} from '../../protocol/index.ts';
import { planParts } from '../../protocol/parts.ts';
import type { Facts, JourneyContext, Report } from '../journey.ts';
import type { OpenSource } from '../source.ts';
import type { Tools } from '../tools.ts';
import type { Source, UploadResult } from '../types.ts';
import { createPartCalls } from './calls.ts';
import { createLanes, type Lanes } from './lanes.ts';
import { createMemory, type Memory } from './memory.ts';
import { type Arrived, type Shipment, sendParts } from './send.ts';
import { createSlices, type Part, type Parts } from './slices.ts';
import type { StreamParts } from './stream.ts';

export interface Multipart {
  /** @throws WaybillError, or the signal's reason */
  run(signal: AbortSignal, report: (report: Report) => void, info: RouteInfo): Promise<UploadResult>;
  /** Gives back what has been granted and sent. */
  abort(): void;
}

/** Bytes a second for which parts of a stream are planned: smaller ones wait less for their last byte. */
const streamBytesPerSecond = 4 * 1024 * 1024;
/** Asking for completion again after the storage has lost parts. */
const mostRecoveries = 5;

/** Thrown by `sendParts` when the parts are too large for the line. */
const smaller = { smaller: true };

/** Speed is learnt from all files of a client. */
const known = new WeakMap<JourneyContext, Map<string, Lanes>>();

function lanesOf(context: JourneyContext, hosts: readonly string[]): Lanes {
  const all = known.get(context) ?? new Map<string, Lanes>();
  known.set(context, all);
  const lanes = all.get(`${hosts}`) ?? createLanes(context, hosts);
  all.set(`${hosts}`, lanes);
  return lanes;
}

type Grant = Omit<MultipartGrant, 'transfer' | 'expiresInSeconds' | 'contentType'>;

export function createMultipart(
  tools: Tools,
  context: JourneyContext,
  given: OpenSource,
  route: string,
  facts: Facts,
  startOver: boolean | undefined,
): Multipart {
  const { failure } = tools;
  let source = given;
  let opened = !given.open;
  let grant: Grant | undefined;
  /** Repeated as it was while its answer is missing, so that it is one upload. */
  let asked: FileDeclaration | undefined;
  let parts: Parts | undefined;
  let stream: StreamParts | undefined;
  let memory: Memory | null | undefined;
  let over = false;
  /** It was in the resume store. */
  let remembered = false;
  const done = new Map<number, Arrived>();
  const shipment = { done, listed: new Map() } as unknown as Shipment;
  const hashes = new Map<number, Promise<string>>();
  /** The size of the parts that `hashes` are of. */
  let hashed: number;
  const calls = createPartCalls(tools, context.api, () => (grant as Grant).grant);
  let renewing: Promise<unknown> | undefined;

  const absent = (cause: unknown) => {
    throw failure('network_error', 'The connection failed. Please try again.', { cause });
  };

  function forget(): void {
    grant = renewing = asked = undefined;
    // A stream's parts stay in hand until they have arrived, and what has arrived elsewhere is lost.
    if (!stream) parts = undefined;
    done.clear();
    hashes.clear();
    shipment.listed.clear();
    memory?.drop();
  }

  function abort(): void {
    over = true;
    tools.giveBack(context, grant?.grant);
    stream?.cancel();
    forget();
  }

  function keep(): void {
    const { fileName, contentType, metadata } = facts;
    if (grant?.partCount)
      memory?.keep({
        ...(grant as Grant & { partCount: number }),
        route,
        fileName,
        contentType,
        size: source.size as number,
        ...(metadata !== undefined && { metadata }),
      });
  }

  /** What the storage has, and a grant to go on with. Once for all parts that need it. */
  function renew(): Promise<void> {
    renewing ??= list().finally(() => {
      renewing = undefined;
    });
    return renewing as Promise<void>;
  }

  async function list(): Promise<void> {
    const before = [...done.keys()];
    const asked = grant as Grant;
    const { grant: renewed, parts: arrived } = await calls.list(asked.grant);
    // Given up while the server thought.
    if (grant !== asked) return;
    grant = { ...asked, grant: renewed };
    keep();
    const there = new Set(arrived.map(({ partNumber }) => partNumber));
    for (const partNumber of before)
      if (!there.has(partNumber)) {
        done.delete(partNumber);
        parts?.add(partNumber);
      }
    for (const part of arrived) if (!done.has(part.partNumber)) shipment.listed.set(part.partNumber, part);
  }

  function hash({ partNumber, source }: Part, signal: AbortSignal): Promise<string> {
    const { size, algorithm } = shipment;
    const known = hashes.get(partNumber);
    if (known) return known;
    const digest = context.hashing(size, signal, async () => {
      return tools.checksumOf(source, algorithm as ChecksumAlgorithm, signal, context.elsewhere);
    });
    hashes.set(partNumber, digest);
    digest.catch(() => hashes.delete(partNumber));
    return digest;
  }

  function plan(info: RouteInfo): number {
    const { size } = source;
    const { lanes } = shipment;
    return planParts(
      size === null
        ? { size: info.limits.maxBytes, connections: 1, bytesPerSecond: streamBytesPerSecond }
        : { size, connections: lanes.width, bytesPerSecond: lanes.bytesPerSecond() },
    ).partSize;
  }

  /** Those that fill the connections first are hashed while the resume store and the server think. */
  function hashAhead(info: RouteInfo, signal: AbortSignal): void {
    if (grant || source.size === null || !shipment.algorithm) return;
    hashed = plan(info);
    const ahead = createSlices(tools, source as Source, hashed, done, new Map());
    for (let n = 0; n < shipment.lanes.width; n++)
      ahead.next(signal).then(
        (part) => part && hash(part, signal).catch(() => {}),
        () => {},
      );
  }

  async function begin(info: RouteInfo, report: (report: Report) => void): Promise<void> {
    report({ status: 'granting' });
    const { size } = source;
    const partSize = plan(info);
    const [, ask] = await context.openRoute(route);
    asked ??= { ...facts, size, partSize, idempotencyKey: tools.createKey() } as FileDeclaration;
    const { uploadId, ...granted } = await ask(asked);
    asked = undefined;
    if (granted.transfer !== 'multipart')
      throw failure('internal_error', 'The upload server is out of step with this app.', {
        details: { hint: `The server granted ${granted.transfer} for a file that goes in parts.` },
      });
    report({ contentType: granted.contentType });
    grant = { uploadId, grant: granted.grant, partSize: granted.partSize, partCount: granted.partCount };
    // Whatever a stopped run still noted belongs to another upload.
    done.clear();
    shipment.listed.clear();
    if (over) abort();
    else keep();
  }

  /** Whether an upload that was begun before can be gone on with. @throws WaybillError what asking again may mend */
  async function recall(report: (report: Report) => void): Promise<boolean> {
    const entry = await memory?.recall();
    if (!entry) {
      // Listed, and gone before it was gone on with: sent anew, it would be there twice.
      if (given.resumes && !remembered && !startOver)
        throw failure('upload_conflict', 'This upload has ended in another tab or window.');
      return false;
    }
    remembered = true;
    report({ status: 'granting' });
    if (source.size !== entry.size) {
      if (given.resumes) throw otherFile();
      tools.giveBack(context, entry.grant);
      forget();
      return false;
    }
    grant = entry;
    try {
      await renew();
    } catch (cause) {
      const { code, retryable } = cause as WaybillError;
      // Completing, or complete: completion tells.
      if (code === 'upload_conflict') return true;
      grant = undefined;
      if (retryable || /unauthenticated|forbidden/.test(code)) throw cause;
      forget();
      return false;
    }
    // Without a part to compare, the name has to do.
    if (given.resumes && !shipment.listed.size && !memory?.isOwn && source.fileName !== entry.fileName)
      throw otherFile();
    return true;
  }

  const otherFile = () => failure('source_changed', 'This is not the file that was begun, or it has changed since.');

  async function travel(signal: AbortSignal, tell: (report: Report) => void, info: RouteInfo): Promise<UploadResult> {
    let anew = false;
    let ended = false;
    let cutAgain = false;
    /** An earlier page began it: this file may be another one, and must not end that upload. */
    let differs = !!given.resumes;
    for (let recoveries = 0; ; recoveries++) {
      try {
        if (!grant) {
          if (!anew) differs = await recall(tell);
          if (!grant) await begin(info, tell);
          signal.throwIfAborted();
        }
        const { partSize } = grant as unknown as Grant;
        if (hashed !== partSize) hashes.clear();
        hashed = partSize;
        tell({ status: 'queued', transfer: 'multipart' });
        if (source.stream) {
          stream ??= (await import('./stream.ts').catch(absent)).createStreamParts(
            tools,
            source.stream,
            partSize,
            info.limits,
          );
          parts = stream;
        }
        parts ??= createSlices(tools, source as Source, partSize, done, shipment.listed);
        shipment.parts = parts;
        shipment.smaller = !source.stream && !remembered && !cutAgain && smaller;
        if (!ended) await sendParts(tools, context, shipment, signal, tell);
        return await complete(signal, tell);
      } catch (cause) {
        signal.throwIfAborted();
        if (cause === smaller) {
          cutAgain = true;
          tools.giveBack(context, grant?.grant);
          forget();
          continue;
        }
        const { code, retryable, status } = cause as WaybillError;
        if (recoveries < mostRecoveries) {
          if (code === 'object_not_ready') {
            // What the storage has lost is sent again.
            parts = stream;
            ended = await lost(renew());
            continue;
          }
          if (code === 'upload_expired' && grant) {
            const gone = await renew().then(
              () => false,
              (error) => {
                ended = error.code === 'upload_conflict';
                if (!ended && error.code !== 'upload_expired') throw error;
                return !ended;
              },
            );
            if (!gone) continue;
            // What of a stream has arrived there cannot be read again.
            if (!anew && !source.stream) {
              anew = true;
              forget();
              continue;
            }
          }
          if (code === 'upload_conflict' && !ended) {
            ended = true;
            continue;
          }
          if (code === 'source_changed' && differs && startOver && !anew) {
            anew = true;
            tools.giveBack(context, grant?.grant);
            forget();
            continue;
          }
        }
        if (differs && /^source/.test(code)) {
          // Perhaps the wrong file was picked, or its disk was unplugged: what has arrived stays for the right one.
          grant = undefined;
          parts = undefined;
          done.clear();
          shipment.listed.clear();
        } else if (!retryable && !/unauthenticated|forbidden/.test(code)) status ? forget() : abort();
        throw cause;
      }
    }

    async function lost(asking: Promise<void>): Promise<boolean> {
      return asking.then(
        () => false,
        (error) => {
          if (error.code === 'upload_conflict') return true;
          throw error;
        },
      );
    }
  }

  async function complete(signal: AbortSignal, report: (report: Report) => void): Promise<UploadResult> {
    const size = stream?.size() ?? (source.size as number);
    report({ status: 'completing', ...(stream && { size, total: size }) });
    const { algorithm } = shipment;
    const { grant: value, partSize } = grant as Grant;
    const count = Math.max(1, Math.ceil(size / partSize));
    const digests: string[] = [];
    for (let n = 1; n <= count; n++) digests.push(done.get(n)?.checksum ?? '');
    // Found complete, by an earlier page: then the server knows more than this one.
    const checksum = algorithm &&
      !digests.includes('') && {
        algorithm,
        value: await composite(digests, algorithm, signal),
      };
    const { finish } = await context.recovery();
    const result = await finish(
      tools,
      context,
      { grant: value, ...(checksum && { checksum }), ...(stream && { size }) },
      signal,
    );
    memory?.drop();
    return result;
  }

  /** As S3 makes it: the digest of the parts' digests. */
  function composite(digests: string[], algorithm: ChecksumAlgorithm, signal: AbortSignal): Promise<string> {
    const joined = Uint8Array.from(digests.map(atob).join(''), (character) => character.charCodeAt(0));
    const read = async (start: number, end: number) => joined.slice(start, end);
    return tools.checksumOf({ size: joined.length, fileName: '', read }, algorithm, signal);
  }

  async function run(signal: AbortSignal, report: (report: Report) => void, info: RouteInfo): Promise<UploadResult> {
    over = false;
    if (!opened) {
      source = await (given.open as NonNullable<OpenSource['open']>)();
      opened = true;
    }
    Object.assign(shipment, {
      size: source.size ?? info.limits.maxBytes,
      algorithm: info.checksum,
      lanes: lanesOf(context, info.hosts?.length ? info.hosts : ['']),
      hash,
      sign: calls.sign,
      renew,
    });
    // It brings what hashes.
    await context.recovery();
    hashAhead(info, signal);
    memory ??= source.stream ? null : await createMemory(context, source, route, facts);
    let loaded = 0;
    let status: Report['status'] = 'queued';
    const tell = (change: Report) => {
      report(change);
      loaded = change.loaded ?? loaded;
      status = change.status ?? status;
      if (source.size !== null)
        memory?.announce({ fileName: facts.fileName, size: source.size, loaded, status: status as 'queued' });
    };
    if (!memory) return travel(signal, tell, info);
    const result = await memory.alone(() => travel(signal, tell, info));
    if (result) return result;
    if (given.resumes) throw failure('upload_conflict', 'This upload continues in another tab or window.');
    // The same file once more is another upload, and only the first is remembered.
    memory = null;
    return travel(signal, report, info);
  }

  return { run, abort };
}
