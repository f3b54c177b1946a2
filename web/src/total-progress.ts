/** Shows the progress of all active uploads together: one bar, one sentence, and the buttons for all of them. */
import { formatBytes } from 'waybill';
import { requireElement, setText } from './dom.ts';
import { formatCount, formatSeconds, joinFacts } from './format.ts';
import type { BatchTotals } from './list-totals.ts';

export interface TotalProgress {
  show(totals: BatchTotals): void;
}

export function createTotalProgress(actions: {
  resumeAll(): void;
  pauseAll(): void;
  cancelAll(): void;
}): TotalProgress {
  const container = requireElement('total-progress', HTMLElement);
  const bar = requireElement('total-bar', HTMLElement);
  const pace = requireElement('total-pace', HTMLElement);
  const resumeButton = requireElement('resume-all', HTMLButtonElement);
  const pauseButton = requireElement('pause-all', HTMLButtonElement);
  const tally = requireElement('tally', HTMLElement);
  resumeButton.addEventListener('click', actions.resumeAll);
  pauseButton.addEventListener('click', actions.pauseAll);
  requireElement('cancel-all', HTMLButtonElement).addEventListener('click', actions.cancelAll);
  return {
    show(totals) {
      const { files, active, paused, loaded, total } = totals;
      container.hidden = active + paused === 0 || files < 2;
      tally.hidden = !container.hidden;
      if (container.hidden) return;
      resumeButton.hidden = paused === 0;
      pauseButton.hidden = active === 0;
      container.classList.toggle('still', active === 0);
      const share = total > 0 ? Math.min(1, loaded / total) : 0;
      (bar.firstElementChild as HTMLElement).style.setProperty('--share', String(share));
      const sentence = totalsText(totals);
      bar.setAttribute('aria-valuenow', String(Math.floor(share * 100)));
      bar.setAttribute('aria-valuetext', sentence);
      setText(pace, sentence);
    },
  };
}

function totalsText({ files, received, failed, loaded, total, bytesPerSecond, active, paused }: BatchTotals): string {
  const facts = [`${formatCount(received)} of ${formatCount(files)} received`];
  if (failed > 0) facts.push(`${formatCount(failed)} not accepted`);
  facts.push(`${formatBytes(loaded)} of ${formatBytes(total)}`);
  if (active === 0) facts.push(`${formatCount(paused)} paused`);
  else if (bytesPerSecond > 0) {
    facts.push(`${formatBytes(bytesPerSecond)}/s`);
    facts.push(`${formatSeconds((total - loaded) / bytesPerSecond)} left`);
  }
  return joinFacts(facts);
}
