/** Unfinished uploads in a folder, for `waybill up` and any other process that may be killed. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResumeEntry, ResumeStore } from '../types.ts';

export interface FileResumeStoreOptions {
  /** Seconds after which an unfinished upload is forgotten. @default 604_800 (7 days) @example 86_400 */
  keepForSeconds?: number;
  /** Milliseconds since 1970. @default Date.now */
  now?: () => number;
}

interface Holder {
  pid: number;
  /** When the process began, as the system counts: a number that was given to another process must not hold anything. */
  began: string;
}

/**
 * A file for each upload, that appears whole or not at all, for its owner's eyes only (0600 in a folder of 0700): grants are
 * secrets. What a killed process held is free at once. The folder belongs on a disk of this machine.
 * @example createClient({ endpoint, resumeStore: fileResumeStore('/var/lib/app/uploads') })
 */
export function fileResumeStore(dir: string, options: FileResumeStoreOptions = {}): ResumeStore {
  const { keepForSeconds = 604_800, now = Date.now } = options;
  const digestOf = (fingerprint: string) => createHash('sha256').update(fingerprint).digest('hex').slice(0, 40);
  const pathOf = (fingerprint: string) => join(dir, `${digestOf(fingerprint)}.json`);

  /** Seen by others before it is safe from a power cut: on a busy disk that takes seconds, in which a kill must lose nothing. */
  async function write(path: string, value: unknown, { sync }: { sync: boolean }): Promise<void> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const draft = `${path}.${randomUUID()}.draft`;
    await writeFile(draft, `${JSON.stringify(value)}\n`, { flag: 'wx', mode: 0o600 });
    await rename(draft, path);
    if (sync) await syncFile(path);
  }

  async function read(path: string): Promise<ResumeEntry | undefined> {
    const entry = await readJson(path);
    if (!isEntry(entry)) return undefined;
    if (entry.savedAt > now() - keepForSeconds * 1000) return entry;
    await rm(path, { force: true });
    return undefined;
  }

  /** Whether a process that still runs holds a lock other than `own`. What the dead have left is removed. */
  async function heldByOthers(digest: string, own: string): Promise<boolean> {
    for (const name of await readdir(dir)) {
      if (name === own || !name.startsWith(`${digest}.`) || !name.endsWith('.lock')) continue;
      if (await isAlive(await readJson(join(dir, name)))) return true;
      await rm(join(dir, name), { force: true });
    }
    return false;
  }

  return {
    async list() {
      const names = await readdir(dir).catch(() => []);
      const entries = await Promise.all(
        names.filter((name) => name.endsWith('.json')).map((name) => read(join(dir, name))),
      );
      return entries.filter((entry) => entry !== undefined);
    },
    async get(fingerprint) {
      const entry = await read(pathOf(fingerprint));
      return entry?.fingerprint === fingerprint ? entry : undefined;
    },
    set: ({ handle: _, ...entry }) => write(pathOf(entry.fingerprint), entry, { sync: true }),
    delete: (fingerprint) => rm(pathOf(fingerprint), { force: true }),
    async exclusively(fingerprint, work) {
      // Each puts up a lock of its own first and looks for others then, so that of two at least one sees the other.
      const digest = digestOf(fingerprint);
      const own = `${digest}.${randomUUID()}.lock`;
      const holder: Holder = { pid: process.pid, began: await beginOf(process.pid) };
      await write(join(dir, own), holder, { sync: false });
      try {
        return (await heldByOthers(digest, own)) ? undefined : await work();
      } finally {
        await rm(join(dir, own), { force: true });
      }
    },
  };
}

/** It may be gone, or replaced, by now. */
async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+').catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function isEntry(value: unknown): value is ResumeEntry {
  const { fingerprint, endpoint, grant, size, savedAt } = (value ?? {}) as Partial<Record<keyof ResumeEntry, unknown>>;
  return (
    [fingerprint, endpoint, grant].every((field) => typeof field === 'string') &&
    typeof size === 'number' &&
    typeof savedAt === 'number'
  );
}

async function isAlive(holder: unknown): Promise<boolean> {
  const { pid, began } = (holder ?? {}) as Partial<Holder>;
  if (typeof pid !== 'number') return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Somebody else's process is alive, too.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return (await beginOf(pid)) === began;
}

/** Empty where the system does not say it in a file; then the number of the process alone must do. */
async function beginOf(pid: number): Promise<string> {
  try {
    const [boot, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'utf8'),
    ]);
    // proc(5): the name may hold anything, also a bracket; the 22nd field is the 20th after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended and waits for its parent to notice.
    return fields[0] === 'Z' ? 'ended' : `${boot.trim()} ${fields[19]}`;
  } catch {
    return '';
  }
}
