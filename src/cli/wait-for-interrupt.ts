import { exitCodes } from './cli-error.ts';
import type { Terminal } from './terminal.ts';

/** Resolves on the first Ctrl-C, so that the command can finish its work. The second Ctrl-C exits at once. */
export function waitForInterrupt(terminal: Terminal, exit: (code: number) => void = process.exit): Promise<void> {
  return new Promise((resolve) => {
    let isEnding = false;
    terminal.onInterrupt(() => {
      if (isEnding) exit(exitCodes.interrupted);
      isEnding = true;
      resolve();
    });
  });
}
