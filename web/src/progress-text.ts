/** Describes the progress of an upload in one sentence. */
import { formatBytes } from 'waybill';
import type { UploadSnapshot } from 'waybill/client';
import { formatSeconds, joinFacts } from './format.ts';
import type { ItemRecord, Stage } from './item-record.ts';

export type Progress = Pick<UploadSnapshot, 'loaded' | 'bytesPerSecond' | 'secondsLeft'> & { total: number | null };

type Sentence = (facts: { loaded: number; loadedOfSize: string; size: string; progress: Progress | null }) => string;

const sentences: Readonly<Partial<Record<Stage, Sentence>>> = {
  waiting: ({ loaded, loadedOfSize }) =>
    loaded > 0 ? `Waiting for its turn, ${loadedOfSize} have arrived` : 'Waiting for its turn',
  paused: ({ loaded, loadedOfSize }) => (loaded > 0 ? `Paused at ${loadedOfSize}` : 'Paused before it was sent'),
  'other-tab': ({ loaded, loadedOfSize, size }) => (loaded > 0 ? `${loadedOfSize} so far` : `${size} in total`),
  reading: () => 'Reading the file to compute its checksum',
  comparing: ({ loadedOfSize }) => `Comparing the file with what has arrived: ${loadedOfSize} so far`,
  signing: () => 'Asking the server for permission',
  checking: () => 'All sent. The server checks what arrived',
  offline: () => 'No network. It continues by itself when the network is back',
  retrying: () => 'That failed. Trying again in a moment',
};

export function progressText({ stage, size }: ItemRecord, progress: Progress | null): string {
  const loaded = Math.min(progress?.loaded ?? 0, size);
  const loadedOfSize = `${formatBytes(loaded)} of ${formatBytes(size)}`;
  const sentence = sentences[stage] ?? sendingText;
  return sentence({ loaded, loadedOfSize, size: formatBytes(size), progress });
}

const sendingText: Sentence = ({ loaded, loadedOfSize, size, progress }) => {
  if (!progress || loaded === 0) return `Sending ${size}`;
  const facts = [loadedOfSize];
  if (progress.bytesPerSecond > 0) facts.push(`${formatBytes(progress.bytesPerSecond)}/s`);
  if (progress.secondsLeft !== null) facts.push(`${formatSeconds(progress.secondsLeft)} left`);
  return joinFacts(facts);
};

/** Stages in which the bar shows the share of sent bytes. */
const measurableStages: ReadonlySet<Stage> = new Set([
  'comparing',
  'sending',
  'paused',
  'other-tab',
  'retrying',
  'offline',
]);

/** From 0 to 1. Null while there is nothing to measure. */
export function progressShare({ stage }: ItemRecord, progress: Progress | null): number | null {
  if (!progress?.total || progress.loaded === 0 || !measurableStages.has(stage)) return null;
  return Math.min(1, progress.loaded / progress.total);
}
