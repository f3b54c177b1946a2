/**
 * The state of one upload in parts. It is kept between runs, so that the next run continues where the last one stopped.
 */
import type { ArrivedPart, FileDeclaration, MultipartGrant, RouteInfo } from '../../protocol/index.ts';
import { planParts } from '../../protocol/parts.ts';
import type { ClientContext, DeclaredFile } from '../context.ts';
import type { OpenSource } from '../source.ts';
import type { Report, Run } from '../steps.ts';
import type { Tools } from '../tools.ts';
import type { ResumeEntry, Source, UploadStatus } from '../types.ts';
import { createPartCalls, type PartCalls } from './calls.ts';
import { createPartChecksums, type PartChecksums } from './checksums.ts';
import { createFileParts, type PartQueue } from './file-parts.ts';
import { createHostChoice, type HostChoice } from './hosts.ts';
import { createResumeRecord, type ResumeRecord } from './resume-record.ts';
import type { StreamParts } from './stream.ts';

export interface MultipartUpload {
  readonly tools: Tools;
  readonly context: ClientContext;
  readonly route: string;
  readonly info: RouteInfo;
  readonly file: DeclaredFile;
  readonly source: OpenSource;
  readonly hosts: HostChoice;
  readonly calls: PartCalls;
  readonly checksums: PartChecksums;
  /** Null where the upload is not remembered: there is no resume store, or it remembers another upload of this file. */
  record: ResumeRecord | null;
  grant?: Grant | undefined;
  /** Sent again unchanged until it is answered, so that all answers are about one upload. */
  declaration?: FileDeclaration | undefined;
  /** The call that renews the grant, shared by all parts that need it. */
  renewal?: Promise<void> | undefined;
  parts?: PartQueue | undefined;
  stream?: StreamParts;
  /** By part number. */
  readonly arrived: Map<number, ArrivedBytes>;
  /** Parts that the storage has, and that were not compared with this file yet. */
  readonly listed: Map<number, ArrivedPart>;
  readonly startOver: boolean | undefined;
  /** Whether the resume store had an entry for this upload. */
  wasRemembered?: boolean;
  /** An earlier page began the upload, so this file may be another file. Then its failure must not end that upload. */
  mayDiffer: boolean;
  /** Whether the upload was started again with smaller parts, which is done at most once. */
  hasSmallerParts?: boolean;
  repairState: RepairState;
  readonly progress: { loaded: number; status: UploadStatus };
}

export type Grant = Pick<MultipartGrant, 'uploadId' | 'grant' | 'partSize' | 'partCount'>;

/** The repairs since the last pause between two attempts. */
export interface RepairState {
  /** Failures for which a repair was tried, see recover.ts. */
  repairs: number;
  /** The server says that the upload has ended. The answer to its completion says how. */
  hasEnded: boolean;
  hasStartedOver: boolean;
}

export const newRepairState = (): RepairState => ({ repairs: 0, hasEnded: false, hasStartedOver: false });

export interface ArrivedBytes {
  size: number;
  /** Base64; undefined where the route asks for none. */
  checksum: string | undefined;
}

/** The speed for which parts of a stream are planned. A smaller part is complete, and can be sent, earlier. */
const streamBytesPerSecond = 4 * 1024 * 1024;

export async function openUpload(
  tools: Tools,
  context: ClientContext,
  given: OpenSource,
  route: string,
  info: RouteInfo,
  file: DeclaredFile,
  startOver: boolean | undefined,
  signal: AbortSignal,
): Promise<MultipartUpload> {
  const source = given.open ? await given.open() : given;
  const hosts = hostChoiceOf(context, info.hosts?.length ? info.hosts : ['']);
  const checksums = createPartChecksums(tools, context, info.checksum, source.size ?? info.limits.maxBytes);
  const upload: MultipartUpload = {
    tools,
    context,
    route,
    info,
    file,
    source,
    hosts,
    checksums,
    calls: createPartCalls(tools, context.api, () => (upload.grant as Grant).grant),
    record: null,
    startOver,
    mayDiffer: !!source.resumes,
    repairState: newRepairState(),
    arrived: new Map(),
    listed: new Map(),
    progress: { loaded: 0, status: 'queued' },
  };
  hashFirstParts(upload, signal);
  if (!source.stream) upload.record = await createResumeRecord(context, source, route, file);
  return upload;
}

function hostChoiceOf(context: ClientContext, origins: readonly string[]): HostChoice {
  context.hostChoices ??= new Map();
  const choice = context.hostChoices.get(`${origins}`) ?? createHostChoice(origins, context);
  context.hostChoices.set(`${origins}`, choice);
  return choice;
}

export function planPartSize({ source: { size }, hosts, info }: MultipartUpload): number {
  return planParts(
    size === null
      ? { size: info.limits.maxBytes, connections: 1, bytesPerSecond: streamBytesPerSecond }
      : { size, connections: hosts.maxRequests, bytesPerSecond: hosts.bytesPerSecond() },
  ).partSize;
}

/** Starts to hash the parts that will be sent first, while the resume store and the server prepare their answers. */
function hashFirstParts(upload: MultipartUpload, signal: AbortSignal): void {
  const { tools, source, checksums, hosts } = upload;
  if (source.size === null || !checksums.algorithm) return;
  const partSize = planPartSize(upload);
  checksums.setPartSize(partSize);
  const parts = createFileParts(tools, source as Source, partSize, new Map(), new Map());
  for (let n = 0; n < hosts.maxRequests; n++)
    parts
      .next(signal)
      .then((part) => part && checksums.of(part, signal))
      .catch(() => {});
}

/** Reports a change to the app and to other tabs. */
export function reportProgress({ record, source, file, progress }: MultipartUpload, run: Run, report: Report): void {
  run.report(report);
  progress.loaded = report.loaded ?? progress.loaded;
  progress.status = report.status ?? progress.status;
  if (source.size !== null) record?.announce({ fileName: file.fileName, size: source.size, ...progress });
}

export function saveEntry({ record, grant, source, route, file }: MultipartUpload): void {
  const { fileName, contentType, metadata } = file;
  if (grant?.partCount)
    record?.save({
      ...(grant as Grant & Pick<ResumeEntry, 'partCount'>),
      route,
      fileName,
      contentType,
      size: source.size as number,
      ...(metadata !== undefined && { metadata }),
    });
}

/** Asks for the stored parts and a new grant. @throws WaybillError `upload_conflict`, `upload_expired` */
export function renewGrant(upload: MultipartUpload): Promise<void> {
  upload.renewal ??= listParts(upload).finally(() => {
    upload.renewal = undefined;
  });
  return upload.renewal;
}

async function listParts(upload: MultipartUpload): Promise<void> {
  const { arrived, listed, parts, calls } = upload;
  const before = [...arrived.keys()];
  const asked = upload.grant as Grant;
  const { grant, parts: stored } = await calls.list(asked.grant);
  // The upload was dropped in the meantime.
  if (upload.grant !== asked) return;
  upload.grant = { ...asked, grant };
  saveEntry(upload);
  const numbers = new Set(stored.map(({ partNumber }) => partNumber));
  for (const partNumber of before)
    if (!numbers.has(partNumber)) {
      arrived.delete(partNumber);
      parts?.add(partNumber);
    }
  for (const part of stored) if (!arrived.has(part.partNumber)) listed.set(part.partNumber, part);
}

/*
 * Four functions drop an upload. Each one does what the functions above it do, and one thing more:
 *
 * | function         | drops                                                    |
 * |------------------|----------------------------------------------------------|
 * | `clearUpload`    | the grant and the list of arrived parts of this page     |
 * | `forgetUpload`   | the checksums of the parts, and the resume entry         |
 * | `giveUploadBack` | the upload at the server, which deletes what has arrived |
 * | `cancelUpload`   | the stream that the parts are read from                  |
 */

export function clearUpload(upload: MultipartUpload): void {
  upload.grant = upload.renewal = upload.declaration = undefined;
  // Parts of a stream are kept until they have arrived: they cannot be read again.
  upload.parts = upload.stream;
  upload.arrived.clear();
  upload.listed.clear();
}

export function forgetUpload(upload: MultipartUpload): void {
  clearUpload(upload);
  upload.checksums.clear();
  upload.record?.delete();
}

export function giveUploadBack(upload: MultipartUpload): void {
  upload.tools.giveBack(upload.context, upload.grant?.grant);
  forgetUpload(upload);
}

export function cancelUpload(upload: MultipartUpload): void {
  giveUploadBack(upload);
  upload.stream?.cancel();
}
