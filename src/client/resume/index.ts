/**
 * resume: what earlier pages and processes began and did not finish. Imports no code of the client, so that a page's bundle
 * stays in one piece.
 */
import type { JourneyContext } from '../journey.ts';
import type { OpenSource } from '../source.ts';
import type { Tools } from '../tools.ts';
import type { FileLike, Resumable, ResumeEntry, Upload, UploadOptions } from '../types.ts';

/** The part of FileSystemFileHandle that is used; `queryPermission` and `requestPermission` are Chromium's. */
interface Handle {
  getFile(): Promise<File>;
  requestPermission?(options: { mode: 'read' }): Promise<string>;
}

type Start = (route: string, file: OpenSource, options: UploadOptions & { metadata?: unknown }) => Upload;

const platformStore = ({ failure }: Tools) =>
  import('../browser/resume-store.ts').then(
    ({ defaultResumeStore }) => defaultResumeStore(),
    (cause) => {
      throw failure('network_error', 'The connection failed. Please try again.', { cause });
    },
  );

export async function listResumable(tools: Tools, context: JourneyContext, start: Start): Promise<Resumable[]> {
  const { endpoint, resumeStore } = context;
  const store = resumeStore === undefined ? await platformStore(tools) : resumeStore;
  const entries = (await store?.list()) ?? [];
  return entries
    .filter((entry) => entry.endpoint === endpoint)
    .sort((a, b) => b.savedAt - a.savedAt)
    .map(({ grant, handle, ...facts }) => ({
      ...facts,
      needsFile: !handle,
      resume: (file) =>
        start(facts.route, file ? again(tools, file, facts) : fromHandle(tools, handle as Handle, facts), {
          fileName: facts.fileName,
          contentType: facts.contentType,
          metadata: facts.metadata,
        }),
      async forget() {
        await store?.delete(facts.fingerprint);
        // It may have ended long ago; and what nobody takes back the storage's lifecycle rules sweep away.
        await (await context.recovery()).giveBack(tools, context, grant);
      },
    }));
}

type Kept = Omit<ResumeEntry, 'grant' | 'handle'>;

/** Whatever its name is now: its bytes will be compared. */
function again({ toSource }: Tools, file: FileLike, { fingerprint }: Kept): OpenSource {
  return { ...toSource(file), resumes: fingerprint };
}

function fromHandle(tools: Tools, handle: Handle | undefined, facts: Kept): OpenSource {
  const { failure } = tools;
  // Asked for in the very turn of the click: browsers demand it.
  const allowed = handle?.requestPermission?.({ mode: 'read' }) ?? 'granted';
  const unread = () => Promise.reject(failure('source_unreadable', 'Please choose the file again.'));
  return {
    size: facts.size,
    fileName: facts.fileName,
    read: unread,
    resumes: facts.fingerprint,
    async open() {
      try {
        if (handle && (await allowed) === 'granted') return { ...again(tools, await handle.getFile(), facts), handle };
      } catch (cause) {
        throw failure('source_unreadable', 'This file cannot be opened. It may have been moved or deleted.', { cause });
      }
      throw failure('source_unreadable', 'Please choose the file again.');
    },
  };
}
