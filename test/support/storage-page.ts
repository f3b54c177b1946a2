/** Reads the JSON documents that the shell commands of docs/storage.md write to files. */
import { readFile } from 'node:fs/promises';

export async function storagePage(): Promise<string> {
  return readFile(new URL('../../docs/storage.md', import.meta.url), 'utf8');
}

/** Returns file names and texts, in the order of the page. */
export async function storageDocuments(bucket: string): Promise<Map<string, string>> {
  const blocks = [...(await storagePage()).matchAll(/^cat > (\S+) <<EOF\n([\s\S]*?)^EOF$/gm)];
  return new Map(blocks.map(([, name = '', text = '']) => [name, text.replaceAll('$BUCKET', bucket)]));
}

/** @throws Error when the page has no such document */
export async function storageDocument(name: string, bucket: string): Promise<string> {
  const found = (await storageDocuments(bucket)).get(name);
  if (!found) throw new Error(`docs/storage.md does not write ${name}.`);
  return found;
}
