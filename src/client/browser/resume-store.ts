/**
 * Keeps unfinished uploads in the origin's IndexedDB until they are finished or too old: metadata, the grant and, where
 * the browser has one, a FileSystemFileHandle. It keeps no bytes, which would count against the page's quota.
 *
 * The grant is a secret that any script of this origin can read, like a cookie without HttpOnly. It is sealed, expires,
 * and is bound to its owner: the server runs `authorize` before each use, so another user of the same browser gets
 * `upload_not_found`. That user could still read the file names: where users share a browser profile, give each of them
 * a `databaseName`.
 */
import type { ResumeEntry, ResumeProgress, ResumeStore } from '../types.ts';

export interface BrowserResumeStoreOptions {
  /**
   * The name of the database, of its locks and of its messages between tabs. Give each user of a shared browser another
   * name. @default 'waybill' @example `waybill-${user.id}`
   */
  databaseName?: string;
  /** Seconds after which an unfinished upload is forgotten. @default 604_800 (7 days) @example 86_400 */
  keepForSeconds?: number;
  /** Milliseconds since 1970. @default Date.now */
  now?: () => number;
}

export interface BrowserResumeStore extends ResumeStore {
  /** Fingerprints of the uploads that some tab is sending. Without Web Locks (plain http), only those of this tab. */
  busy(): Promise<ReadonlySet<string>>;
  announce(progress: ResumeProgress): void;
  listen(listener: (progress: ResumeProgress) => void): () => void;
}

const table = 'uploads';

/** For clients without the option `resumeStore`. Undefined on platforms without IndexedDB, such as Node. */
export function createDefaultStore(): BrowserResumeStore | undefined {
  return 'indexedDB' in globalThis ? browserResumeStore() : undefined;
}

type RunTransaction = <T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>) => Promise<T>;

/** Opens the database at the first transaction, and again after it was closed. */
function openDatabase(databaseName: string): RunTransaction {
  let database: Promise<IDBDatabase> | undefined;

  function open(): Promise<IDBDatabase> {
    database ??= new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(databaseName, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(table, { keyPath: 'fingerprint' });
      request.onerror = request.onblocked = reject;
      request.onsuccess = () => {
        // The user may clear the site's data, and another page may upgrade the database: neither must wait for this
        // page.
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

  return async (mode, work) => {
    const opened = await open();
    return new Promise((resolve, reject) => {
      // Strict, so that entries survive a power failure. There is one write for each large file.
      const transaction = opened.transaction(table, mode, { durability: 'strict' });
      const request = work(transaction.objectStore(table));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = reject;
    });
  };
}

/**
 * Remembers unfinished uploads in IndexedDB. Where it does not work (private windows, full disks, sandboxed frames),
 * they are remembered in memory, until the page is closed.
 * @example createClient({ endpoint: '/uploads', resumeStore: browserResumeStore({ databaseName: `waybill-${user.id}` })
 * })
 */
export function browserResumeStore(options: BrowserResumeStoreOptions = {}): BrowserResumeStore {
  const { databaseName = 'waybill', keepForSeconds = 604_800, now = Date.now } = options;
  const memory = new Map<string, ResumeEntry>();
  const run = openDatabase(databaseName);

  const put = (entry: ResumeEntry) => run('readwrite', (store) => store.put(entry));
  const isFresh = ({ savedAt }: ResumeEntry) => savedAt > now() - keepForSeconds * 1000;

  async function drop(fingerprint: string): Promise<void> {
    memory.delete(fingerprint);
    await run('readwrite', (store) => store.delete(fingerprint)).catch(() => {});
  }

  async function list(): Promise<ResumeEntry[]> {
    const kept = await run<ResumeEntry[]>('readonly', (store) => store.getAll()).catch(() => []);
    const entries = [...kept.filter(({ fingerprint }) => !memory.has(fingerprint)), ...memory.values()];
    for (const entry of entries) if (!isFresh(entry)) await drop(entry.fingerprint);
    return entries.filter(isFresh);
  }

  let hasTidied = false;
  return {
    now,
    list,
    delete: drop,
    async get(fingerprint) {
      const entry =
        memory.get(fingerprint) ??
        (await run<ResumeEntry | undefined>('readonly', (store) => store.get(fingerprint)).catch(() => undefined));
      return entry && isFresh(entry) ? entry : undefined;
    },
    async set(entry) {
      const { handle, ...facts } = entry;
      // A handle that cannot be cloned is left out.
      await put(entry)
        .catch(() => put(facts))
        .then(
          () => memory.delete(entry.fingerprint),
          () => memory.set(entry.fingerprint, entry),
        );
      // `list` also removes old entries. It is called here for pages that never call it.
      if (!hasTidied) void list();
      hasTidied = true;
    },
    ...createLocks(databaseName),
    ...createMessages(databaseName),
  };
}

/** Web Locks, which tell the tabs of a browser what the others are sending. */
function createLocks(databaseName: string): Pick<BrowserResumeStore, 'exclusively' | 'busy'> {
  const prefix = `${databaseName} `;
  const sending = new Set<string>();
  return {
    async exclusively(fingerprint, work) {
      const { locks } = navigator;
      let hasBegun = false;
      const begin = async () => {
        hasBegun = true;
        sending.add(fingerprint);
        try {
          return await work();
        } finally {
          sending.delete(fingerprint);
        }
      };
      if (sending.has(fingerprint)) return undefined;
      // Only secure contexts have locks. Without locks, this tab does not know what other tabs send.
      if (!locks) return begin();
      return locks
        .request(prefix + fingerprint, { ifAvailable: true }, (lock) => (lock ? begin() : undefined))
        .catch((error) => {
          if (hasBegun) throw error;
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
  };
}

/** Messages between the tabs of a browser. */
function createMessages(databaseName: string): Pick<BrowserResumeStore, 'announce' | 'listen'> {
  let channel: BroadcastChannel | undefined;

  function openChannel(): BroadcastChannel | undefined {
    if ('BroadcastChannel' in globalThis) channel ??= new BroadcastChannel(databaseName);
    return channel;
  }

  return {
    announce: (progress) => openChannel()?.postMessage(progress),
    listen(listener) {
      const onMessage = ({ data }: MessageEvent<ResumeProgress>) => listener(data);
      const opened = openChannel();
      opened?.addEventListener('message', onMessage);
      return () => opened?.removeEventListener('message', onMessage);
    },
  };
}
