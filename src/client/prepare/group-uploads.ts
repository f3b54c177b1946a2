import type { WaybillError } from '../../protocol/index.ts';
import type { Upload, UploadResult, UploadSnapshot, UploadStatus } from '../types.ts';

/** The uploads of a group by their names in the app. */
export type NamedUploads = Readonly<Record<string, Upload>>;

type DataOf<One> = One extends Upload<infer Data> ? Data : never;

/** Immutable. Each change creates a new one. */
export interface UploadGroupSnapshot<Uploads extends NamedUploads = NamedUploads> {
  /**
   * While an upload has not ended: the stage of the one that has come least far, and `paused` when all of these are
   * paused. Then `done` when all are done, `failed` when one has failed, otherwise `aborted`.
   */
  readonly status: UploadStatus;
  /** Bytes sent, of all uploads. */
  readonly loaded: number;
  /** Bytes to send, of all uploads; null while the size of one is unknown. */
  readonly total: number | null;
  /** Of all uploads. */
  readonly bytesPerSecond: number;
  /** The names of the uploads that have failed or were aborted. `retry` continues them. */
  readonly failed: readonly (keyof Uploads & string)[];
  /** The error of the first upload in `failed`, also while the others continue. */
  readonly error: WaybillError | null;
  /** The snapshot of each upload, by its name. */
  readonly uploads: { readonly [Name in keyof Uploads]: UploadSnapshot<DataOf<Uploads[Name]>> };
}

export interface UploadGroup<Uploads extends NamedUploads = NamedUploads> {
  /** `listener` is called after each change of an upload. Returns a function that unsubscribes. */
  readonly subscribe: (listener: () => void) => () => void;
  /** The current state. The same object is returned until something changes. */
  readonly getSnapshot: () => UploadGroupSnapshot<Uploads>;
  /** Pauses every upload that has not ended. */
  readonly pause: () => void;
  /** Continues every paused upload. */
  readonly resume: () => void;
  /** Aborts every upload that has not ended. What is stored already is kept: delete it where half a group is no use. */
  readonly abort: () => void;
  /** Continues the uploads that have failed or were aborted. Those that are done are not sent again. */
  readonly retry: () => void;
  /**
   * Resolves when all uploads are done. Rejects with the error of one of them when all have ended and not all are done.
   * After `retry`, read it again.
   */
  readonly done: Promise<{ [Name in keyof Uploads]: UploadResult<DataOf<Uploads[Name]>> }>;
}

const stages: readonly UploadStatus[] = [
  'queued',
  'preparing',
  'hashing',
  'granting',
  'uploading',
  'completing',
  'paused',
];

/**
 * Observes and controls several uploads as one: the original of a photo and its thumbnail, or all files of a form. When
 * one fails, the others continue, and the group has failed when all have ended.
 *
 * @example
 * const group = groupUploads({
 *   original: client.upload('photos', file),
 *   thumbnail: thumbnails.upload('thumbnails', file),
 * });
 * const { original, thumbnail } = await group.done;
 */
export function groupUploads<Uploads extends NamedUploads>(uploads: Uploads): UploadGroup<Uploads> {
  const all = Object.values<Upload>(uploads);
  const each = (what: 'pause' | 'resume' | 'abort' | 'retry') => () => {
    for (const upload of all) upload[what]();
  };
  let last: UploadGroupSnapshot<Uploads> | undefined;

  function getSnapshot(): UploadGroupSnapshot<Uploads> {
    const next = Object.fromEntries(
      Object.entries<Upload>(uploads).map(([name, upload]) => [name, upload.getSnapshot()]),
    );
    const before = last?.uploads as Record<string, UploadSnapshot> | undefined;
    if (!last || Object.keys(next).some((name) => next[name] !== before?.[name]))
      last = combine(next) as unknown as UploadGroupSnapshot<Uploads>;
    return last;
  }

  async function waitForAll(): Promise<never> {
    const names = Object.keys(uploads);
    const ends = await Promise.allSettled(all.map(({ done }) => done));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return Object.fromEntries(
      ends.map((end, index) => [names[index], (end as PromiseFulfilledResult<UploadResult>).value]),
    ) as never;
  }

  return {
    subscribe(listener) {
      const stops = all.map((upload) => upload.subscribe(listener));
      return () => {
        for (const stop of stops) stop();
      };
    },
    getSnapshot,
    pause: each('pause'),
    resume: each('resume'),
    abort: each('abort'),
    retry: each('retry'),
    get done() {
      const done = waitForAll();
      // As with an upload, an app that only reads the snapshot gets no unhandled rejection.
      done.catch(() => {});
      return done;
    },
  };
}

function combine(uploads: Record<string, UploadSnapshot>): UploadGroupSnapshot {
  const all = Object.values(uploads);
  const failed = Object.keys(uploads).filter((name) => uploads[name]?.error);
  return Object.freeze({
    status: combineStatus(all),
    loaded: all.reduce((sum, { loaded }) => sum + loaded, 0),
    total: all.reduce<number | null>((sum, { total }) => (sum === null || total === null ? null : sum + total), 0),
    bytesPerSecond: all.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0),
    failed,
    error: uploads[failed[0] ?? '']?.error ?? null,
    uploads,
  });
}

function combineStatus(all: readonly UploadSnapshot[]): UploadStatus {
  const active = all.filter(({ file, error }) => !file && !error).map(({ status }) => stages.indexOf(status));
  if (active.length > 0) return stages[Math.min(...active)] ?? 'queued';
  if (all.some(({ status }) => status === 'failed')) return 'failed';
  return all.some(({ status }) => status === 'aborted') ? 'aborted' : 'done';
}
