/** Keeps unfinished uploads in a folder, for `waybill up` and other processes that may be killed. */
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

interface LockOwner {
  pid: number;
  /** The start of the process, as the system counts it: the system may give the same pid to another process later. */
  startedAt: string;
}

/**
 * Writes one file for each upload. Each write is atomic, and only the owner can read the files (mode 0600 in a folder
 * of 0700), because grants are secrets. A lock of a killed process is free at once. The folder must be on a local disk.
 * @example createClient({ endpoint, resumeStore: fileResumeStore('/var/lib/app/uploads') })
 */
export function fileResumeStore(dir: string, options: FileResumeStoreOptions = {}): ResumeStore {
  const { keepForSeconds = 604_800, now = Date.now } = options;
  const digestOf = (fingerprint: string) => createHash('sha256').update(fingerprint).digest('hex').slice(0, 40);
  const pathOf = (fingerprint: string) => join(dir, `${digestOf(fingerprint)}.json`);

  /**
   * The file is renamed before it is synced: on a busy disk a sync takes seconds, and the process may be killed
   * meanwhile.
   */
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

  /** Whether a running process holds a lock other than `own`. Locks of ended processes are removed. */
  async function heldByOthers(digest: string, own: string): Promise<boolean> {
    for (const name of await readdir(dir)) {
      if (name === own || !name.startsWith(`${digest}.`) || !name.endsWith('.lock')) continue;
      if (await isAlive(await readJson(join(dir, name)))) return true;
      await rm(join(dir, name), { force: true });
    }
    return false;
  }

  return {
    now,
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
      // Each process writes its own lock before it looks for others, so that of two processes at least one sees the
      // other.
      const digest = digestOf(fingerprint);
      const own = `${digest}.${randomUUID()}.lock`;
      const owner: LockOwner = { pid: process.pid, startedAt: await startOf(process.pid) };
      await write(join(dir, own), owner, { sync: false });
      try {
        return (await heldByOthers(digest, own)) ? undefined : await work();
      } finally {
        await rm(join(dir, own), { force: true });
      }
    },
  };
}

/** Does nothing when the file was deleted or replaced in the meantime. */
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

async function isAlive(owner: unknown): Promise<boolean> {
  const { pid, startedAt } = (owner ?? {}) as Partial<LockOwner>;
  if (typeof pid !== 'number') return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return (await startOf(pid)) === startedAt;
}

/** Empty on systems without /proc. There, only the pid identifies a process. */
async function startOf(pid: number): Promise<string> {
  try {
    const [boot, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'utf8'),
    ]);
    // proc(5): the process name may contain a bracket. The 22nd field is the 20th after the last bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended, and its parent has not collected it yet.
    return fields[0] === 'Z' ? 'ended' : `${boot.trim()} ${fields[19]}`;
  } catch {
    return '';
  }
}
