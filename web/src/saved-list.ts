/** Saves the list in localStorage. It is read back as hostile input: other scripts of this origin can write there. */
import { type ItemRecord, type Stage, stages, type TransferStats } from './item-record.ts';

const storageKey = 'waybill.uploads.2';
/** At about 500 characters for each item, this is half of what browsers keep for an origin. */
const maxItems = 5000;

export interface SavedList {
  load(): ItemRecord[];
  save(records: readonly ItemRecord[]): void;
  /** The list that another tab has just saved. Undefined when the event is about something else. */
  readEvent(event: StorageEvent): ItemRecord[] | undefined;
}

export function createSavedList(storage: Pick<Storage, 'getItem' | 'setItem'>): SavedList {
  return {
    load() {
      try {
        return parseList(storage.getItem(storageKey));
      } catch {
        return [];
      }
    },
    readEvent: ({ key, newValue }) => (key === storageKey ? parseList(newValue) : undefined),
    save(records) {
      try {
        storage.setItem(storageKey, JSON.stringify(records.slice(0, maxItems)));
      } catch {
        // Private windows and full disks refuse to store. The list then lasts as long as the page.
      }
    },
  };
}

function parseList(text: string | null): ItemRecord[] {
  try {
    const parsed: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(parsed) ? parsed.flatMap(parseRecord).slice(0, maxItems) : [];
  } catch {
    return [];
  }
}

function parseRecord(value: unknown): ItemRecord[] {
  if (!isRecord(value)) return [];
  const { id, number, fileName, size, contentType, route, stage } = value;
  if (typeof id !== 'string' || typeof fileName !== 'string' || typeof contentType !== 'string') return [];
  if (typeof route !== 'string' || typeof number !== 'number' || typeof size !== 'number') return [];
  if (typeof stage !== 'string' || !Object.hasOwn(stages, stage)) return [];
  const file = parseFile(value.file);
  if (stage === 'received' && !file) return [];
  return [
    {
      id,
      number,
      fileName,
      size,
      lastModified: typeof value.lastModified === 'number' ? value.lastModified : null,
      contentType,
      route,
      stage: stageAfterReload(stage as Stage),
      error: parseErrorText(value.error),
      file,
      stats: parseTransferStats(value.stats),
      relativePath: typeof value.relativePath === 'string' ? value.relativePath : null,
      inLargeBatch: value.inLargeBatch === true,
    },
  ];
}

/** The bytes of a file are lost with the page, so an active upload is interrupted. A paused one stays paused. */
function stageAfterReload(stage: Stage): Stage {
  if (stage === 'paused') return 'unfinished';
  return stages[stage].isActive ? 'interrupted' : stage;
}

function parseFile(value: unknown): ItemRecord['file'] {
  if (!isRecord(value)) return null;
  const { url, contentType, uploadId, fileName } = value;
  if (typeof url !== 'string' || typeof contentType !== 'string') return null;
  if (typeof uploadId !== 'string' || typeof fileName !== 'string') return null;
  return value as unknown as ItemRecord['file'];
}

function parseErrorText(value: unknown): ItemRecord['error'] {
  if (!isRecord(value)) return null;
  const { outcome, title, advice, canRetry } = value;
  if (outcome !== 'refused' && outcome !== 'failed' && outcome !== 'cancelled') return null;
  if (typeof title !== 'string' || typeof advice !== 'string') return null;
  return { outcome, title, advice, canRetry: canRetry === true };
}

/** Null when `value` is not in the form of the transfer statistics. */
export function parseTransferStats(value: unknown): TransferStats | null {
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
