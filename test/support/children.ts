/** Ends the processes that a suite has started. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Empties the list, and returns when every process in it has ended. */
export async function endChildren(children: ChildProcess[], signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'close');
    child.kill(signal);
    await ended;
  }
}
