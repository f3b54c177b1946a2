/**
 * Unfinished uploads in the origin's IndexedDB, until they are finished or old. What is kept is metadata, the grant and, where
 * the browser has them, a FileSystemFileHandle; never bytes: those would count against the page's quota twice.
 *
 * The grant is a secret that any script of this origin can read there, as it can read cookies without HttpOnly. It is
 * sealed, expires, and is bound to its owner: the server's `authorize` runs again before anything is done with it, so that
 * another user of the same browser gets `upload_not_found`. File names are for that user's eyes all the same: where
 * several share a browser profile, give each a `databaseName`.
 */
import type { ResumeEntry, ResumeProgress, ResumeStore } from '../types.ts';

export interface BrowserResumeStoreOptions {
  /**
   * The name of the database, and the scope of locks and of what tabs tell each other. Give each user of a shared
   * browser one of their own. @default 'waybill' @example `waybill-${user.id}`
   */
  databaseName?: string;
  /** Seconds after which an unfinished upload is forgotten. @default 604_800 (7 days) @example 86_400 */
  keepForSeconds?: number;
  /** Milliseconds since 1970. @default Date.now */
  now?: () => number;
}

export interface BrowserResumeStore extends ResumeStore {
  /** Fingerprints of what some tab sends just now. Empty without Web Locks, as on plain http from another machine. */
  busy(): Promise<ReadonlySet<string>>;
  announce(progress: ResumeProgress): void;
  listen(listener: (progress: ResumeProgress) => void): () => void;
}

const table = 'uploads';
let shared: BrowserResumeStore | undefined;

/** Of this page, for clients that were given none. Undefined where there is no IndexedDB at all: in Node, on phones. */
export function defaultResumeStore(): BrowserResumeStore | undefined {
  if ('indexedDB' in globalThis) shared ??= browserResumeStore();
  return shared;
}

/**
 * Remembers unfinished uploads in IndexedDB. Where there is none (private windows, full disks, sandboxed frames), in
 * memory, as long as the page lives.
 * @example createClient({ endpoint: '/uploads', resumeStore: browserResumeStore({ databaseName: `waybill-${user.id}` })
 * })
 */
export function browserResumeStore(options: BrowserResumeStoreOptions = {}): BrowserResumeStore {
  const { databaseName = 'waybill', keepForSeconds = 604_800, now = Date.now } = options;
  const prefix = `${databaseName} `;
  const memory = new Map<string, ResumeEntry>();
  const sending = new Set<string>();
  let database: Promise<IDBDatabase> | undefined;
  let channel: BroadcastChannel | undefined;

  function open(): Promise<IDBDatabase> {
    database ??= new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(databaseName, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(table, { keyPath: 'fingerprint' });
      request.onerror = request.onblocked = reject;
      request.onsuccess = () => {
        // A user who clears this site's data, or another version of it, must not wait for this page.
        request.result.onclose = request.result.onversionchange = () => {
          request.result.close();
          database = undefined;
        };
        resolve(request.result);
      };
    }).catch((error) => {
      database = undefined;
      throw error;
    });
    return database;
  }

  async function run<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const opened = await open();
    return new Promise((resolve, reject) => {
      // Strict: what outlives the page should outlive a power cut, and it is written once for each large file.
      const transaction = opened.transaction(table, mode, { durability: 'strict' });
      const request = work(transaction.objectStore(table));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = reject;
    });
  }

  const put = (entry: ResumeEntry) => run('readwrite', (store) => store.put(entry));
  const fresh = ({ savedAt }: ResumeEntry) => savedAt > now() - keepForSeconds * 1000;

  async function drop(fingerprint: string): Promise<void> {
    memory.delete(fingerprint);
    await run('readwrite', (store) => store.delete(fingerprint)).catch(() => {});
  }

  async function list(): Promise<ResumeEntry[]> {
    const kept = await run<ResumeEntry[]>('readonly', (store) => store.getAll()).catch(() => []);
    const entries = [...kept.filter(({ fingerprint }) => !memory.has(fingerprint)), ...memory.values()];
    for (const entry of entries) if (!fresh(entry)) await drop(entry.fingerprint);
    return entries.filter(fresh);
  }

  function tabs(): BroadcastChannel | undefined {
    if ('BroadcastChannel' in globalThis) channel ??= new BroadcastChannel(databaseName);
    return channel;
  }

  let tidied = false;
  return {
    list,
    delete: drop,
    async get(fingerprint) {
      const entry =
        memory.get(fingerprint) ??
        (await run<ResumeEntry | undefined>('readonly', (store) => store.get(fingerprint)).catch(() => undefined));
      return entry && fresh(entry) ? entry : undefined;
    },
    async set(entry) {
      const { handle, ...facts } = entry;
      // A handle of a kind that cannot be cloned must not cost the rest.
      await put(entry)
        .catch(() => put(facts))
        .then(
          () => memory.delete(entry.fingerprint),
          () => memory.set(entry.fingerprint, entry),
        );
      // Pages that never ask what was left would keep it for ever.
      if (!tidied) void list();
      tidied = true;
    },
    async exclusively(fingerprint, work) {
      const { locks } = navigator;
      let began = false;
      const begin = async () => {
        began = true;
        sending.add(fingerprint);
        try {
          return await work();
        } finally {
          sending.delete(fingerprint);
        }
      };
      if (sending.has(fingerprint)) return undefined;
      // Only secure contexts have locks; there is one tab then, as far as anybody knows.
      if (!locks) return begin();
      return locks
        .request(prefix + fingerprint, { ifAvailable: true }, (lock) => (lock ? begin() : undefined))
        .catch((error) => {
          if (began) throw error;
          return begin();
        });
    },
    async busy() {
      const held = (await navigator.locks?.query().catch(() => undefined))?.held ?? [];
      return new Set(
        held
          .flatMap(({ name = '' }) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []))
          .concat(...sending),
      );
    },
    announce: (progress) => tabs()?.postMessage(progress),
    listen(listener) {
      const hear = ({ data }: MessageEvent<ResumeProgress>) => listener(data);
      const heard = tabs();
      heard?.addEventListener('message', hear);
      return () => heard?.removeEventListener('message', hear);
    },
  };
}
