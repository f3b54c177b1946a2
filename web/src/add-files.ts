/** Adds the files that the user chose, dropped or pasted. A file that the list already knows resumes instead. */
import type { FoundFile } from 'waybill/client/folders';
import { formatCount } from './format.ts';
import type { ItemRecord } from './item-record.ts';
import type { UploadItem, UploadList } from './upload-list.ts';

/** More files than this that are added at once are a large batch, see `ItemRecord.inLargeBatch`. */
const largeBatch = 12;
/** Files that are added before the browser may handle input again. */
const filesPerTask = 15;

export interface AddFilesOptions {
  route: string;
  showNotice(message: string): void;
}

export async function addFiles(list: UploadList, files: FoundFile[], options: AddFilesOptions): Promise<void> {
  const { route, showNotice } = options;
  const awaited = list.takeAwaitedFile();
  const [firstFile] = files;
  if (awaited && firstFile && files.length === 1) {
    if (sendAwaitedFile(list, awaited, firstFile)) return;
    showNotice('That is another file than the one you were asked for. It is sent as a new upload.');
  }
  list.startBatchIfIdle();
  const earlier = earlierItems(list.items);
  // Whether a folder was added again to finish it. Then its received files are not sent again.
  const finishesFolder = files.some((file) => {
    const item = earlier.get(identityOf(factsOf(file, route)));
    return item && item.record.stage !== 'received';
  });
  let alreadyReceived = 0;
  for (const [index, file] of files.entries()) {
    if (index % filesPerTask === filesPerTask - 1) await nextTask();
    const known = earlier.get(identityOf(factsOf(file, route)));
    if (known && !known.upload && known.record.stage !== 'received') continueItem(list, known, file);
    else if (finishesFolder && known?.record.lastModified === file.blob.lastModified) alreadyReceived++;
    else addItem(list, file, route, files.length > largeBatch);
  }
  if (alreadyReceived === 1) showNotice('One of these files has been received already, and is not sent again.');
  if (alreadyReceived > 1)
    showNotice(`${formatCount(alreadyReceived)} of these files have been received already, and are not sent again.`);
}

/** Sends the file that the user was asked for. False when this is another file. */
function sendAwaitedFile(
  list: UploadList,
  { item, startOver }: { item: UploadItem; startOver: boolean },
  file: FoundFile,
): boolean {
  const { fileName, size } = item.record;
  // The client compares a resumed file byte by byte. A file that failed in this page may have another size by now.
  const mayBeSameFile = file.size === size || item.upload || item.resumable || startOver;
  if (file.fileName !== fileName || !mayBeSameFile) return false;
  list.setFile(item, file);
  if (startOver) list.send(item, file, true);
  else list.sendOrResume(item, file);
  return true;
}

function continueItem(list: UploadList, item: UploadItem, file: FoundFile): void {
  item.record = { ...item.record, lastModified: file.blob.lastModified };
  list.setFile(item, file);
  list.sendOrResume(item, file);
}

function addItem(list: UploadList, file: FoundFile, route: string, inLargeBatch: boolean): void {
  const number = list.nextNumber();
  const item = list.add({
    ...factsOf(file, route),
    lastModified: file.blob.lastModified,
    id: `${Date.now().toString(36)}${number.toString(36)}${Math.random().toString(36).slice(2, 10)}`,
    number,
    contentType: file.contentType || 'application/octet-stream',
    stage: 'waiting',
    error: null,
    file: null,
    stats: null,
    inLargeBatch,
  });
  list.setFile(item, file);
  list.send(item, file, false);
}

type IdentityFacts = Pick<ItemRecord, 'route' | 'fileName' | 'size' | 'relativePath'>;

function factsOf({ fileName, size, relativePath }: FoundFile, route: string): IdentityFacts {
  return { route, fileName, size, relativePath: relativePath === fileName ? null : relativePath };
}

/** Equal for records of the same file, as far as a saved list can tell. */
export function identityOf(facts: IdentityFacts): string {
  return JSON.stringify([facts.route, facts.fileName, facts.size, facts.relativePath]);
}

/**
 * Items of earlier pages that this page does not send, by identity. Unfinished items take precedence over received
 * ones.
 */
function earlierItems(items: readonly UploadItem[]): Map<string, UploadItem> {
  const earlier = new Map<string, UploadItem>();
  for (const item of items) {
    const { stage } = item.record;
    if (item.upload || !(stage === 'received' || stage === 'interrupted' || item.resumable)) continue;
    const identity = identityOf(item.record);
    if (stage !== 'received' || !earlier.has(identity)) earlier.set(identity, item);
  }
  return earlier;
}

/** Resolves in a new task, so that the browser can handle input in between. `setTimeout` would add 4 ms each time. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve();
    port2.postMessage(null);
  });
}
