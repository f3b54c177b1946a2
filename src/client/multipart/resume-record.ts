/** The entry of one upload in the resume store. When the store fails, the upload continues and is not remembered. */
import type { ClientContext, DeclaredFile } from '../context.ts';
import type { OpenSource } from '../source.ts';
import type { ResumeEntry, ResumeProgress, UploadStatus } from '../types.ts';

export interface ResumeRecord {
  /** Whether the file has the same name, size, time of change and declaration as the file that was begun. */
  readonly isSameFile: boolean;
  load(): Promise<ResumeEntry | undefined>;
  save(entry: Omit<ResumeEntry, 'fingerprint' | 'endpoint' | 'handle' | 'savedAt'>): void;
  delete(): void;
  /** Tells other tabs about the progress. */
  announce(progress: Omit<ResumeProgress, 'fingerprint'>): void;
  /** Keeps other tabs and processes from sending this upload. Undefined when one of them sends it now. */
  lock(): Promise<Unlock | undefined>;
}

export type Unlock = () => Promise<void>;

const announceEveryMs = 500;

/** Null where the upload is not remembered: there is no store, or the source cannot be recognised later. */
export async function createResumeRecord(
  context: ClientContext,
  source: OpenSource,
  route: string,
  { fileName, contentType, metadata }: DeclaredFile,
): Promise<ResumeRecord | null> {
  const { endpoint, now } = context;
  const fileId = source.fingerprint ?? fingerprintOf(source);
  if (!fileId && !source.resumes) return null;
  if (context.resumeStore === undefined)
    context.resumeStore = await import('../browser/resume-store.ts').then(
      ({ createDefaultStore }) => createDefaultStore(),
      () => undefined,
    );
  const store = context.resumeStore;
  if (!store) return null;
  // The same file under another name, type or metadata is another upload.
  const own = `${endpoint} ${route} ${fileId} ${JSON.stringify([fileName, contentType, metadata])}`;
  const fingerprint = source.resumes ?? own;
  /** Writes happen in order: an entry that is deleted must not be written afterwards. */
  let lastWrite: Promise<unknown> = Promise.resolve();
  const write = (work: () => Promise<void>) => {
    lastWrite = lastWrite.then(work).catch(() => {});
  };
  let announcedAt = Number.NEGATIVE_INFINITY;
  let status: UploadStatus | undefined;
  return {
    isSameFile: fingerprint === own,
    load: async () => {
      await lastWrite;
      return store.get(fingerprint).catch(() => undefined);
    },
    save: (entry) =>
      write(() =>
        store.set({
          ...entry,
          fingerprint,
          endpoint,
          savedAt: store.now?.() ?? Date.now(),
          ...(source.handle !== undefined && { handle: source.handle }),
        }),
      ),
    delete: () => write(() => store.delete(fingerprint)),
    announce(progress) {
      if (progress.status === status && now() - announcedAt < announceEveryMs) return;
      announcedAt = now();
      status = progress.status;
      store.announce?.({ ...progress, fingerprint });
    },
    lock: () =>
      new Promise((resolve) => {
        const hold = () =>
          new Promise<void>((release) => {
            resolve(async () => {
              release();
              await held;
            });
          });
        // When the store fails, nothing is locked, and the upload continues.
        const held = store.exclusively(fingerprint, hold).then(
          () => resolve(undefined),
          () => resolve(async () => {}),
        );
      }),
  };
}

/** The content is not part of the fingerprint, because reading all of it would take longer than many uploads. */
export function fingerprintOf({ blob, fileName, size }: OpenSource): string | undefined {
  const { lastModified, webkitRelativePath } = (blob ?? {}) as Partial<File>;
  return lastModified ? [webkitRelativePath || fileName, size, lastModified].join(' ') : undefined;
}
