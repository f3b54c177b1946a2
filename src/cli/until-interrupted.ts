import { exitCodes } from './cli-error.ts';
import type { Terminal } from './terminal.ts';

/** Ctrl-C once to end in good order; twice to end at once. */
export function untilInterrupted(terminal: Terminal, leave: (code: number) => void = process.exit): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    terminal.onInterrupt(() => {
      if (asked) leave(exitCodes.interrupted);
      asked = true;
      resolve();
    });
  });
}
