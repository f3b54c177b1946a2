/** One file's line on the page: what is remembered of it, and what to call the state it is in. */
import type { StoredFile, UploadSnapshot } from 'waybill/client';
import { type Words, wordsFor } from './words.ts';

/** What the server and the store counted for one upload. */
export interface Way {
  server: { requests: number; bytesIn: number; fileBytes: number };
  /** Null when the store is somebody else's and does not report to this page. */
  store: { requests: number; bytesIn: number } | null;
}

export type Stage =
  | 'waiting'
  | 'reading'
  | 'comparing'
  | 'asking'
  | 'sending'
  | 'checking'
  | 'offline'
  | 'pausing'
  | 'paused'
  | 'elsewhere'
  | 'left'
  | 'received'
  | 'refused'
  | 'held'
  | 'cancelled'
  | 'interrupted';

export interface Consignment {
  /** Unique on this page, also after a reload. */
  id: string;
  number: number;
  fileName: string;
  /** From the dropped folder on, with the name at its end; null for a lone file. */
  relativePath: string | null;
  /** Bytes. */
  size: number;
  /** Of the file on disk, in ms since 1970; null where nobody said. */
  lastModified: number | null;
  contentType: string;
  route: string;
  stage: Stage;
  words: Words | null;
  file: StoredFile | null;
  way: Way | null;
  /** One of many that came at once: a short line. */
  compact: boolean;
}

/** What the stamp says, and whether the file is still on its way. */
export const stages: Readonly<Record<Stage, { label: string; moving: boolean }>> = {
  waiting: { label: 'Waiting', moving: true },
  reading: { label: 'Sealing', moving: true },
  // Begun before: what is here is read beside what has arrived.
  comparing: { label: 'Comparing', moving: true },
  asking: { label: 'Signing', moving: true },
  sending: { label: 'On its way', moving: true },
  checking: { label: 'Checking in', moving: true },
  offline: { label: 'No network', moving: true },
  pausing: { label: 'Trying again', moving: true },
  // By this page's reader, who can go on at once.
  paused: { label: 'Paused', moving: true },
  // Another tab of this browser sends it.
  elsewhere: { label: 'Elsewhere', moving: true },
  // An earlier page began it, and what has arrived is kept.
  left: { label: 'Paused', moving: false },
  received: { label: 'Received', moving: false },
  refused: { label: 'Refused', moving: false },
  held: { label: 'Held up', moving: false },
  cancelled: { label: 'Cancelled', moving: false },
  interrupted: { label: 'Interrupted', moving: false },
};

const stageOfStatus = {
  queued: 'waiting',
  hashing: 'reading',
  granting: 'asking',
  uploading: 'sending',
  completing: 'checking',
  paused: 'paused',
  done: 'received',
} as const satisfies Partial<Record<UploadSnapshot['status'], Stage>>;

/** The consignment as the client's snapshot tells it. */
export function follow(consignment: Consignment, snapshot: UploadSnapshot): Consignment {
  const { status, waiting, error, file } = snapshot;
  if (status === 'failed' || status === 'aborted') {
    const words = wordsFor(error?.code ?? 'aborted', { ...consignment, details: error?.details });
    return { ...consignment, stage: words.verdict, words };
  }
  const stage =
    waiting === 'offline'
      ? 'offline'
      : waiting === 'backoff'
        ? 'pausing'
        : status === 'hashing' && snapshot.loaded > 0
          ? 'comparing'
          : (stageOfStatus[status] satisfies Stage);
  return { ...consignment, contentType: snapshot.contentType, stage, words: null, file };
}
