/**
 * folders: finds the files in what was dropped, chosen or opened, including those in folders, as sources to upload.
 * Each has its path relative to what was dropped, and its file handle where the browser gives one.
 */
import type { Source } from './types.ts';

export interface FoundFile extends Source {
  /**
   * From the dropped folder to the file's name, separated by `/`. Just the name for a file that was dropped by itself.
   */
  readonly relativePath: string;
  readonly blob: File;
}

export interface FilesOfOptions {
  /**
   * Whether to take a file or a folder. It is called for a folder before the folder is read.
   * @default all but the files that file managers create (`isOrdinary`)
   * @example ({ fileName }) => !fileName.startsWith('.')
   */
  filter?: (found: Found) => boolean;
  /**
   * Called for each file and folder that could not be read. @default ignored
   * @example (path, cause) => console.warn(path, cause)
   */
  onUnreadable?: (relativePath: string, cause: unknown) => void;
}

export interface Found {
  fileName: string;
  relativePath: string;
  folder: boolean;
}

const systemFiles = new Set(['.ds_store', 'thumbs.db', 'desktop.ini']);

/** False for the files that file managers create by themselves. */
export function isOrdinary({ fileName }: { fileName: string }): boolean {
  return !systemFiles.has(fileName.toLowerCase()) && !fileName.startsWith('._');
}

/** File systems have no order; users expect 2.jpg before 10.jpg. */
const { compare } = new Intl.Collator(undefined, { numeric: true });
const byName = (a: { name: string }, b: { name: string }) => compare(a.name, b.name);

type Child = FileSystemHandle | FileSystemEntry | File;

/** Each read is a message to another process of the browser, so only some are sent at once. */
const maxReadsAtOnce = 32;

/**
 * Finds the files. For a drop, call it in the handler of the `drop` event: the browser clears the data afterwards.
 * @example
 * addEventListener('drop', async (event) => {
 *   event.preventDefault();
 *   for (const file of await filesOf(event.dataTransfer))
 *     client.upload('photos', file, { metadata: { relativePath: file.relativePath } });
 * });
 */
export async function filesOf(
  from: DataTransfer | FileSystemDirectoryHandle | Iterable<File | FileSystemHandle>,
  { filter = isOrdinary, onUnreadable = () => {} }: FilesOfOptions = {},
): Promise<FoundFile[]> {
  const found: FoundFile[] = [];

  async function findIn(child: Child, path: string): Promise<FoundFile | FoundFile[] | undefined> {
    const relativePath = path + child.name;
    const folder = isFolder(child);
    if (!filter({ fileName: child.name, relativePath, folder })) return undefined;
    try {
      if (folder) return await findInAll((await childrenOf(child)).sort(byName), `${relativePath}/`);
      return sourceOf(
        await fileOf(child as Exclude<Child, Folder>),
        relativePath,
        'getFile' in child ? child : undefined,
      );
    } catch (cause) {
      onUnreadable(relativePath, cause);
      return undefined;
    }
  }

  async function findInAll(children: readonly Child[], path: string): Promise<FoundFile[]> {
    const all: FoundFile[] = [];
    for (let at = 0; at < children.length; at += maxReadsAtOnce)
      for (const files of await Promise.all(
        children.slice(at, at + maxReadsAtOnce).map((child) => findIn(child, path)),
      ))
        if (files) for (const file of [files].flat()) all.push(file);
    return all;
  }

  if ('items' in from) {
    // All items are read before the first await, after which the browser has cleared them.
    const items = Array.from(from.items, childOf);
    for (const child of await Promise.all(items)) if (child) found.push(...(await findInAll([child], '')));
  } else if ('getDirectoryHandle' in from) {
    found.push(...(await findInAll([from], '')));
  } else {
    for (const file of from) {
      if ('kind' in file) {
        found.push(...(await findInAll([file], '')));
        continue;
      }
      const relativePath = file.webkitRelativePath || file.name;
      const folders = relativePath.split('/').slice(0, -1);
      const inside = folders.every((fileName, depth) =>
        filter({ fileName, relativePath: folders.slice(0, depth + 1).join('/'), folder: true }),
      );
      if (inside && filter({ fileName: file.name, relativePath, folder: false }))
        found.push(sourceOf(file, relativePath));
    }
  }
  return found;
}

/** Returns a handle if possible, and otherwise an entry. A pasted picture has neither, so its File is returned. */
async function childOf(item: DataTransferItem): Promise<Child | null> {
  if (item.kind !== 'file') return null;
  const entry = item.webkitGetAsEntry?.() ?? null;
  const file = item.getAsFile();
  const handle = await asHandle(item);
  return handle ?? entry ?? file;
}

/** Null except in Chromium, which has handles in secure contexts. */
async function asHandle(item: DataTransferItem): Promise<FileSystemHandle | null> {
  const { getAsFileSystemHandle } = item as { getAsFileSystemHandle?: () => Promise<FileSystemHandle | null> };
  return (await getAsFileSystemHandle?.call(item).catch(() => null)) ?? null;
}

type Folder = FileSystemDirectoryHandle | FileSystemDirectoryEntry;

function isFolder(child: Child): child is Folder {
  return 'kind' in child ? child.kind === 'directory' : 'isDirectory' in child && child.isDirectory;
}

async function childrenOf(folder: Folder): Promise<Child[]> {
  const children: Child[] = [];
  if ('values' in folder) {
    for await (const child of (folder as unknown as { values(): AsyncIterable<FileSystemHandle> }).values())
      children.push(child);
    return children;
  }
  const reader = (folder as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // Chromium returns at most a hundred entries for each call, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return children;
    children.push(...some);
  }
}

function fileOf(child: Exclude<Child, Folder>): File | Promise<File> {
  if ('getFile' in child) return (child as FileSystemFileHandle).getFile();
  if ('file' in child) return new Promise((resolve, reject) => (child as FileSystemFileEntry).file(resolve, reject));
  return child as File;
}

function sourceOf(file: File, relativePath: string, handle?: unknown): FoundFile {
  const { size, name, type, lastModified } = file;
  return {
    size,
    fileName: name,
    contentType: type,
    relativePath,
    // The same fingerprint as for a file from `<input webkitdirectory>`, so that both are recognised as one file.
    fingerprint: [relativePath, size, lastModified].join(' '),
    blob: file,
    // As in source.ts: for a deleted file, only reading the whole File fails.
    read: async (start, end) => new Uint8Array(await (size ? file.slice(start, end) : file).arrayBuffer()),
    ...(handle !== undefined && { handle }),
  };
}
