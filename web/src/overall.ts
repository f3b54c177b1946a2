/** Everything that is on its way, in one bar and one sentence, with the buttons for all of it. */
import { must, setText } from './dom.ts';
import { formatBytes, formatSeconds, joinFacts } from './format.ts';

export interface Sum {
  /** Files of this run: what came in since nothing was on its way. */
  files: number;
  received: number;
  /** Refused, held up. */
  failed: number;
  /** Bytes. */
  loaded: number;
  total: number;
  bytesPerSecond: number;
  /** Under way, paused. */
  moving: number;
  paused: number;
}

export interface Overall {
  show(sum: Sum): void;
}

export function createOverall(actions: { goOn(): void; pause(): void; cancel(): void }): Overall {
  const box = must('overall', HTMLElement);
  const bar = must('overall-bar', HTMLElement);
  const pace = must('overall-pace', HTMLElement);
  const goOn = must('go-on-all', HTMLButtonElement);
  const pause = must('pause-all', HTMLButtonElement);
  goOn.addEventListener('click', actions.goOn);
  pause.addEventListener('click', actions.pause);
  must('cancel-all', HTMLButtonElement).addEventListener('click', actions.cancel);
  return {
    show(sum) {
      const { files, moving, paused, loaded, total } = sum;
      box.hidden = moving + paused === 0 || files < 2;
      if (box.hidden) return;
      goOn.hidden = paused === 0;
      pause.hidden = moving === 0;
      box.classList.toggle('still', moving === 0);
      const share = total > 0 ? Math.min(1, loaded / total) : 0;
      (bar.firstElementChild as HTMLElement).style.setProperty('--share', String(share));
      const sentence = inWords(sum);
      bar.setAttribute('aria-valuenow', String(Math.floor(share * 100)));
      bar.setAttribute('aria-valuetext', sentence);
      setText(pace, sentence);
    },
  };
}

function inWords({ files, received, failed, loaded, total, bytesPerSecond, moving, paused }: Sum): string {
  const parts = [`${count(received)} of ${count(files)} received`];
  if (failed > 0) parts.push(`${count(failed)} in trouble`);
  parts.push(`${formatBytes(loaded)} of ${formatBytes(total)}`);
  if (moving === 0) parts.push(`${count(paused)} paused`);
  else if (bytesPerSecond > 0) {
    parts.push(`${formatBytes(bytesPerSecond)}/s`);
    parts.push(`${formatSeconds((total - loaded) / bytesPerSecond)} left`);
  }
  return joinFacts(parts);
}

const count = (files: number) => files.toLocaleString('en');
