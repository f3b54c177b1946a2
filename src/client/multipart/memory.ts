/** What the resume store is told of one upload. A store that fails costs the memory, never the upload. */
import type { Facts, JourneyContext, Report } from '../journey.ts';
import type { OpenSource } from '../source.ts';
import type { ResumeEntry, ResumeProgress } from '../types.ts';

export interface Memory {
  /** The file looks like the one that was begun: by name, size, time of change and what is declared of it. */
  readonly isOwn: boolean;
  recall(): Promise<ResumeEntry | undefined>;
  keep(entry: Omit<ResumeEntry, 'fingerprint' | 'endpoint' | 'handle' | 'savedAt'>): void;
  drop(): void;
  announce(progress: Omit<ResumeProgress, 'fingerprint'>): void;
  /** Undefined at once when somebody else sends this upload just now. */
  alone<T>(work: () => Promise<T>): Promise<T | undefined>;
}

const announceEveryMs = 500;
const platformStore = async () => (await import('../browser/resume-store.ts')).defaultResumeStore();

/** Null where nothing is kept: no store, or a source that cannot be recognised again. */
export async function createMemory(
  context: JourneyContext,
  source: OpenSource,
  route: string,
  { fileName, contentType, metadata }: Facts,
): Promise<Memory | null> {
  const { endpoint, now, resumeStore } = context;
  const name = source.fingerprint ?? fingerprintOf(source);
  const store =
    (name || source.resumes) && (resumeStore === undefined ? await platformStore().catch(() => null) : resumeStore);
  if (!store) return null;
  // All that is declared: the same file under another name, type or metadata is another upload.
  const own = `${endpoint} ${route} ${name} ${JSON.stringify([fileName, contentType, metadata])}`;
  const fingerprint = source.resumes ?? own;
  /** In order: an entry that is dropped must not be written after that. */
  let last: Promise<unknown> = Promise.resolve();
  const later = (work: () => Promise<void>) => {
    last = last.then(work).catch(() => {});
  };
  let announced = Number.NEGATIVE_INFINITY;
  let status: Report['status'];
  return {
    isOwn: fingerprint === own,
    recall: async () => {
      await last;
      return store.get(fingerprint).catch(() => undefined);
    },
    keep: (entry) =>
      later(() =>
        store.set({
          ...entry,
          fingerprint,
          endpoint,
          savedAt: Date.now(),
          ...(source.handle !== undefined && { handle: source.handle }),
        }),
      ),
    drop: () => later(() => store.delete(fingerprint)),
    announce(progress) {
      if (progress.status === status && now() - announced < announceEveryMs) return;
      announced = now();
      status = progress.status;
      store.announce?.({ ...progress, fingerprint });
    },
    async alone(work) {
      let result: ReturnType<typeof work> | undefined;
      const run = () => {
        result = work();
        return result;
      };
      return store.exclusively(fingerprint, run).catch(() => result ?? work());
    },
  };
}

/** Never of content: reading it all would take longer than many an upload. */
export function fingerprintOf({ blob, fileName, size }: OpenSource): string | undefined {
  const { lastModified, webkitRelativePath } = (blob ?? {}) as Partial<File>;
  return lastModified ? [webkitRelativePath || fileName, size, lastModified].join(' ') : undefined;
}
