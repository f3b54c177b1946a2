import { errorText } from '../../messages/errors.ts';
import type { Translator } from '../../messages/translate.ts';
import { errorOf, type Item, stateOf } from './items.ts';

/** What the second line of a row says, after the size of the file. */
export function statusText(translator: Translator, item: Item): string {
  const state = stateOf(item);
  const error = errorOf(item);
  if (state === 'failed' && error) return failedText(translator, error);
  const snapshot = item.upload?.getSnapshot();
  if (snapshot?.waiting) return translator.text(snapshot.waiting);
  switch (state) {
    case 'hashing':
    case 'granting':
      return translator.text('preparing');
    case 'completing':
      return translator.text('checking');
    case 'uploading':
      return snapshot ? sendingText(translator, snapshot) : '';
    case 'interrupted':
      return translator.text(item.resumable && !item.resumable.needsFile ? 'interrupted' : 'interruptedChoose');
    default:
      return translator.text(state as 'ready' | 'queued' | 'paused' | 'done' | 'aborted');
  }
}

/** The reason of an app's own check (`inspect`) is more precise than any text of ours. */
function failedText(translator: Translator, error: { code: string; message: string; details?: unknown }): string {
  const text = errorText(translator, error);
  const hasOwnReason = error.code === 'upload_rejected' && error.message !== 'This file was refused.';
  return hasOwnReason ? `${text} ${error.message}` : text;
}

function sendingText(
  { text, size, duration }: Translator,
  {
    loaded,
    total,
    bytesPerSecond,
    secondsLeft,
  }: {
    loaded: number;
    total: number | null;
    bytesPerSecond: number;
    secondsLeft: number | null;
  },
): string {
  const facts = [text('progress', { loaded: size(loaded), total: size(total ?? 0) })];
  if (bytesPerSecond > 0) facts.push(text('speed', { speed: size(bytesPerSecond) }));
  if (secondsLeft !== null) facts.push(text('timeLeft', { time: duration(secondsLeft) }));
  return facts.join(' · ');
}
