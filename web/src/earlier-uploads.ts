/**
 * Shows the uploads that earlier pages did not finish, and resumes those whose file the browser lets this page read
 * without asking the user.
 */
import type { Client, Resumable } from 'waybill/client';
import type { BrowserResumeStore } from 'waybill/client/resume-store';
import { identityOf } from './add-files.ts';
import type { UploadItem, UploadList } from './upload-list.ts';

export async function showEarlierUploads(list: UploadList, client: Client, store: BrowserResumeStore): Promise<void> {
  const [resumables, busy, entries] = await Promise.all([client.resumable(), store.busy(), store.list()]);
  const handles = new Map(entries.map(({ fingerprint, handle }) => [fingerprint, handle]));
  // The oldest first, so that the newest is on top of the list.
  for (const resumable of resumables.reverse()) {
    const { fingerprint } = resumable;
    const item = findItem(list, resumable) ?? addItem(list, resumable);
    if (item.upload) continue;
    const wasUnfinished = item.record.stage === 'unfinished';
    const stage = busy.has(fingerprint) ? 'other-tab' : 'unfinished';
    item.resumable = resumable;
    item.fingerprint = fingerprint;
    item.handle = (handles.get(fingerprint) as FileSystemFileHandle | undefined) ?? null;
    item.record = { ...item.record, stage, error: null };
    list.redraw(item);
    // A paused upload stays paused after a reload.
    if (stage === 'unfinished' && !wasUnfinished && (await isReadableWithoutAsking(item.handle))) list.resume(item);
  }
  for (const item of list.items)
    if (item.record.stage === 'unfinished' && !item.resumable) {
      item.record = { ...item.record, stage: 'interrupted' };
      list.redraw(item);
    }
}

function findItem(list: UploadList, resumable: Resumable): UploadItem | undefined {
  const identity = identityOf(factsOf(resumable));
  return list.items.find(({ fingerprint, upload, resumable: known, record }) => {
    if (fingerprint === resumable.fingerprint) return true;
    const isFree = !upload && !known && (record.stage === 'interrupted' || record.stage === 'unfinished');
    return isFree && identityOf(record) === identity;
  });
}

function addItem(list: UploadList, resumable: Resumable): UploadItem {
  return list.add({
    ...factsOf(resumable),
    id: `earlier ${resumable.fingerprint}`,
    number: list.nextNumber(),
    lastModified: null,
    contentType: resumable.contentType,
    stage: 'interrupted',
    error: null,
    file: null,
    stats: null,
    inLargeBatch: false,
  });
}

function factsOf({ route, fileName, size, metadata }: Resumable) {
  const { relativePath = null } = (metadata ?? {}) as { relativePath?: string };
  return { route, fileName, size, relativePath };
}

/** Whether the file can be read without a question to the user, which browsers allow only after a click. */
async function isReadableWithoutAsking(handle: FileSystemFileHandle | null): Promise<boolean> {
  if (!handle) return false;
  const { queryPermission } = handle as { queryPermission?: (options: { mode: 'read' }) => Promise<string> };
  return (await queryPermission?.call(handle, { mode: 'read' }).catch(() => 'denied')) === 'granted';
}
