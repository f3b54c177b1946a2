/**
 * resume: lists the uploads that earlier pages and processes did not finish. It imports no code of the client, so that
 * a page's bundle stays in one piece.
 */
import type { ClientContext } from '../context.ts';
import type { OpenSource } from '../source.ts';
import type { Tools } from '../tools.ts';
import type { FileLike, Resumable, ResumeEntry, Upload, UploadOptions } from '../types.ts';

/** The methods of FileSystemFileHandle that are used here. Only Chromium has `requestPermission`. */
interface FileHandle {
  getFile(): Promise<File>;
  requestPermission?(options: { mode: 'read' }): Promise<string>;
}

type StartUpload = (route: string, file: OpenSource, options: UploadOptions & { metadata?: unknown }) => Upload;

type EntryFacts = Omit<ResumeEntry, 'grant' | 'handle'>;

export async function listResumable(
  tools: Tools,
  context: ClientContext,
  startUpload: StartUpload,
): Promise<Resumable[]> {
  if (context.resumeStore === undefined)
    context.resumeStore = (
      await import('../browser/resume-store.ts').catch(tools.throwNetworkError)
    ).createDefaultStore();
  const store = context.resumeStore;
  const entries = (await store?.list()) ?? [];
  return entries
    .filter(({ endpoint }) => endpoint === context.endpoint)
    .sort((a, b) => b.savedAt - a.savedAt)
    .map(({ grant, handle, ...facts }) => ({
      ...facts,
      needsFile: !handle,
      resume(file) {
        const { route, fileName, contentType, metadata } = facts;
        const source = file
          ? sourceToContinue(tools, file, facts)
          : sourceFromHandle(tools, handle as FileHandle, facts);
        return startUpload(route, source, { fileName, contentType, metadata });
      },
      async forget() {
        await store?.delete(facts.fingerprint);
        // The upload may have ended already. When this call fails, the storage's lifecycle rules delete the parts.
        await (await context.loadRecovery()).giveBack(tools, context, grant);
      },
    }));
}

/** The file may have another name now, because its bytes will be compared with the stored parts. */
function sourceToContinue({ toSource }: Tools, file: FileLike, { fingerprint }: EntryFacts): OpenSource {
  return { ...toSource(file), resumes: fingerprint };
}

function sourceFromHandle(tools: Tools, handle: FileHandle | undefined, facts: EntryFacts): OpenSource {
  const { failure } = tools;
  const needsChoice = () => failure('source_unreadable', 'Please choose the file again.');
  // Browsers allow this question only in the event handler of a click, so it is asked before anything is awaited.
  const permission = handle?.requestPermission?.({ mode: 'read' }) ?? 'granted';
  return {
    size: facts.size,
    fileName: facts.fileName,
    read: () => Promise.reject(needsChoice()),
    resumes: facts.fingerprint,
    async open() {
      try {
        if (handle && (await permission) === 'granted')
          return { ...sourceToContinue(tools, await handle.getFile(), facts), handle };
      } catch (cause) {
        throw failure('source_unreadable', 'This file cannot be opened. It may have been moved or deleted.', { cause });
      }
      throw needsChoice();
    },
  };
}
