/** The list in localStorage. It is read back as hostile input: other code on this origin may have written it. */
import { type Consignment, type Stage, stages, type Way } from './consignment.ts';

const storageKey = 'waybill.consignments.1';
/** At about 500 characters a line, half of what browsers keep for an origin. */
const longest = 5000;

export interface History {
  load(): Consignment[];
  /** What another tab has just saved; undefined when the event is about something else. */
  heard(event: StorageEvent): Consignment[] | undefined;
  save(consignments: readonly Consignment[]): void;
}

export function createHistory(storage: Pick<Storage, 'getItem' | 'setItem'>): History {
  function read(text: string | null): Consignment[] {
    try {
      const parsed: unknown = JSON.parse(text ?? '[]');
      return Array.isArray(parsed) ? parsed.flatMap(revive).slice(0, longest) : [];
    } catch {
      return [];
    }
  }

  return {
    load() {
      try {
        return read(storage.getItem(storageKey));
      } catch {
        return [];
      }
    },
    heard: ({ key, newValue }) => (key === storageKey ? read(newValue) : undefined),
    save(consignments) {
      try {
        storage.setItem(storageKey, JSON.stringify(consignments.slice(0, longest)));
      } catch {
        // Private windows and full disks: the list then lasts as long as the page.
      }
    },
  };
}

/** Bytes of a file do not survive a reload, so what was moving is interrupted; what its reader paused is to stay so. */
function revive(value: unknown): Consignment[] {
  if (!isRecord(value)) return [];
  const { id, number, fileName, size, contentType, route, stage } = value;
  if (typeof id !== 'string' || typeof fileName !== 'string' || typeof contentType !== 'string') return [];
  if (typeof route !== 'string' || typeof number !== 'number' || typeof size !== 'number') return [];
  if (typeof stage !== 'string' || !Object.hasOwn(stages, stage)) return [];
  const known = stage as Stage;
  const file = reviveFile(value.file);
  if (known === 'received' && !file) return [];
  return [
    {
      id,
      number,
      fileName,
      size,
      lastModified: typeof value.lastModified === 'number' ? value.lastModified : null,
      contentType,
      route,
      stage: known === 'paused' ? 'left' : stages[known].moving ? 'interrupted' : known,
      words: reviveWords(value.words),
      file,
      way: reviveWay(value.way),
      relativePath: typeof value.relativePath === 'string' ? value.relativePath : null,
      compact: value.compact === true,
    },
  ];
}

function reviveFile(value: unknown): Consignment['file'] {
  if (!isRecord(value)) return null;
  const { url, contentType, uploadId, fileName } = value;
  if (typeof url !== 'string' || typeof contentType !== 'string') return null;
  if (typeof uploadId !== 'string' || typeof fileName !== 'string') return null;
  return value as unknown as Consignment['file'];
}

function reviveWords(value: unknown): Consignment['words'] {
  if (!isRecord(value)) return null;
  const { verdict, title, advice, again } = value;
  if (verdict !== 'refused' && verdict !== 'held' && verdict !== 'cancelled') return null;
  if (typeof title !== 'string' || typeof advice !== 'string') return null;
  return { verdict, title, advice, again: again === true };
}

export function reviveWay(value: unknown): Way | null {
  if (!isRecord(value) || !isRecord(value.server)) return null;
  const { requests, bytesIn, fileBytes } = value.server;
  if (typeof requests !== 'number' || typeof bytesIn !== 'number' || typeof fileBytes !== 'number') return null;
  const server = { requests, bytesIn, fileBytes };
  if (!isRecord(value.store)) return { server, store: null };
  const store = value.store;
  if (typeof store.requests !== 'number' || typeof store.bytesIn !== 'number') return { server, store: null };
  return { server, store: { requests: store.requests, bytesIn: store.bytesIn } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
