/**
 * Keeps the list over a reload. Results are in the session storage, which ends with the tab. Unfinished uploads are in
 * the client's own store. Both are read back as hostile input: every script of this origin can write there.
 */
import type { Client, Resumable, StoredFile } from '../../client/index.ts';
import { type Item, newId, stateOf, storedFileOf } from './items.ts';

interface KeptItem {
  fileName: string;
  size: number;
  /** Null for a file that had not been uploaded. */
  file: StoredFile | null;
}

/** At about 500 characters for each item, this is far below what browsers keep. */
const maxItems = 1000;
const keyOf = (name: string) => `waybill-dropzone ${name}`;

export function saveList(name: string, items: readonly Item[]): void {
  const kept: KeptItem[] = items
    .filter((item) => !['failed', 'aborted'].includes(stateOf(item)))
    .slice(0, maxItems)
    .map((item) => ({ fileName: item.fileName, size: item.size, file: storedFileOf(item) }));
  try {
    sessionStorage.setItem(keyOf(name), JSON.stringify(kept));
  } catch {
    // Private windows and sandboxed frames refuse to store. The list then ends with the page.
  }
}

/** The files of the last page in this tab, and what earlier pages did not finish on this route. */
export async function restoreList(name: string, client: Client, route: string): Promise<Item[]> {
  const resumables = (await client.resumable().catch(() => [])).filter((one) => one.route === route);
  const items = readList(name).map((kept) => {
    const index = resumables.findIndex(({ fileName, size }) => fileName === kept.fileName && size === kept.size);
    const [resumable = null] = kept.file || index < 0 ? [] : resumables.splice(index, 1);
    return itemOf(kept, resumable);
  });
  const others = resumables.map((one) => itemOf({ fileName: one.fileName, size: one.size, file: null }, one));
  return [...items, ...others];
}

function itemOf({ fileName, size, file }: KeptItem, resumable: Resumable | null): Item {
  return { id: newId(), fileName, size, identity: '', found: null, upload: null, resumable, saved: file };
}

function readList(name: string): KeptItem[] {
  try {
    const parsed: unknown = JSON.parse(sessionStorage.getItem(keyOf(name)) ?? '[]');
    return Array.isArray(parsed) ? parsed.filter(isKeptItem).slice(0, maxItems) : [];
  } catch {
    return [];
  }
}

function isKeptItem(value: unknown): value is KeptItem {
  if (!isRecord(value)) return false;
  const { fileName, size, file } = value;
  if (typeof fileName !== 'string' || typeof size !== 'number') return false;
  return file === null || (isRecord(file) && typeof file.url === 'string' && typeof file.uploadId === 'string');
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
