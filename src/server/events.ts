/**
 * Events for logs and metrics, as one table of names and their facts. No event contains a URL, a grant, a checksum, a
 * header or a file name.
 */
import type { ErrorCode, Transfer } from '../protocol/index.ts';
import type { Claims } from './state/claims.ts';
import type { PendingCallback } from './state/ledger.ts';
import type { SweepReport } from './sweep/report.ts';

interface UploadFacts {
  uploadId: string;
  route: string;
  ownerId: string;
  /** Bytes; null for a stream that has not ended. */
  size: number | null;
  contentType: string;
}

export interface EventTable {
  /** An upload was granted. */
  'upload.granted': UploadFacts & { transfer: Transfer };
  /** The file is at its key, and `onComplete` has returned. `durationMs` is the duration of the completion. */
  'upload.completed': UploadFacts & { key: string; durationMs: number };
  /** The object was rejected and deleted. */
  'upload.rejected': UploadFacts & { code: ErrorCode; durationMs: number };
  /** An upload was aborted. */
  'upload.aborted': UploadFacts;
  /** The sweep found that the bytes of an upload have not arrived in time. */
  'upload.expired': UploadFacts;
  /** A callback of the app threw. It runs again, except `onReject` without a ledger. */
  'callback.failed': UploadFacts & { callback: CallbackName; reason: string };
  /**
   * `onComplete` returned a value that JSON cannot hold, such as a cycle. The upload is completed with `data: null`.
   */
  'callback.data_dropped': UploadFacts & { reason: string };
  /** The storage, or the connection to it, is configured wrongly. `message` says what to change. */
  'storage.error': { storageCode?: string; message: string; reason: string };
  /** A storage event arrived. */
  'storage.event': { received: number; completed: number; ignored: number; rejected: number; failed: boolean };
  /** A storage event had neither the secret nor a valid signature. */
  'storage.event_refused': { code: ErrorCode };
  /** A sweep has ended. The fields are the counts of its report. */
  'sweep.ended': Omit<SweepReport, 'orphans'> & { orphans: number };
  /** A sweep could not handle one upload or object. */
  'sweep.failed': { reason: string };
  /** The store of a rate limit did not answer. This process counts alone for some seconds. */
  'rate_limit.failed': { counter: 'owner' | 'address'; reason: string };
  /** A view was redirected to the storage. */
  'view.served': { route: string; ownerId: string; key: string };
  /** A stored file was deleted. */
  'file.deleted': { route: string | null; key: string };
  /**
   * A request was answered. `bytesIn` and `bytesOut` are the sizes of the two bodies, which never contain bytes of a
   * file.
   */
  'request.served': {
    operation: Operation;
    status: number;
    bytesIn: number;
    bytesOut: number;
    durationMs: number;
    requestId: string;
  };
  /**
   * A request, or one item of a batch, was answered with an error. `hint` is for developers, and `reason` is the
   * redacted cause.
   */
  'request.failed': {
    operation: Operation;
    status: number;
    code: ErrorCode;
    message: string;
    hint?: string;
    reason?: string;
    requestId: string;
  };
}

export type Operation =
  | 'grant'
  | 'parts'
  | 'list'
  | 'complete'
  | 'abort'
  | 'route'
  | 'view'
  | 'delete'
  | 'files'
  | 'rename'
  | 'event'
  | 'upkeep'
  | 'preflight'
  | 'unknown';

export type CallbackName = 'inspect' | 'onComplete' | PendingCallback['name'];

export type EventName = keyof EventTable;

export type UploadsEvent = { [Name in EventName]: { type: Name; at: number } & EventTable[Name] }[EventName];

export type Emit = <Name extends EventName>(type: Name, facts: EventTable[Name]) => void;

/** A listener that throws must not fail an upload. */
export function createEmit(onEvent: ((event: UploadsEvent) => void) | undefined, now: () => number): Emit | undefined {
  if (!onEvent) return undefined;
  return (type, facts) => {
    try {
      onEvent({ type, at: now(), ...facts } as unknown as UploadsEvent);
    } catch {
      // The listener must report its own errors.
    }
  };
}

export function eventFacts({ uploadId, route, ownerId, size, contentType }: Claims) {
  return { uploadId, route, ownerId, size, contentType };
}
