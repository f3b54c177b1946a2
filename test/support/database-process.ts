/** Runs the process of a database server for tests: waits until it answers, restarts it and stops it. */
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';

export interface DatabaseProcess {
  /** `immediate` ends the server without a checkpoint, as a power failure does. */
  restart(mode: 'fast' | 'immediate'): Promise<void>;
  stop(): Promise<void>;
}

export interface DatabaseProcessOptions {
  /** For messages. */
  name: string;
  spawn(): ChildProcessByStdio<null, null, Readable>;
  /** Rejects until the server answers. */
  connect(): Promise<unknown>;
  signals: Record<'fast' | 'immediate', NodeJS.Signals>;
}

const retryMs = 50;

/** Returns once the server answers. @throws Error with the output of a server that ends before */
export async function startDatabaseProcess(options: DatabaseProcessOptions): Promise<DatabaseProcess> {
  const { name, spawn, connect, signals } = options;
  let running: { pid: number; closed: Promise<void> } | undefined;

  async function start(): Promise<void> {
    const child = spawn();
    let output = '';
    child.stderr.on('data', (text) => {
      output = (output + text).slice(-4000);
    });
    let hasEnded = false;
    const closed = new Promise<void>((resolve) =>
      child.once('close', () => {
        hasEnded = true;
        resolve();
      }),
    );
    running = { pid: child.pid as number, closed };
    for (;;) {
      if (hasEnded) throw new Error(`${name} did not start:\n${output}`);
      try {
        await connect();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  async function end(mode: 'fast' | 'immediate'): Promise<void> {
    if (!running) return;
    process.kill(running.pid, signals[mode]);
    await running.closed;
    running = undefined;
  }

  await start();
  return {
    async restart(mode) {
      await end(mode);
      await start();
    },
    stop: () => end('fast'),
  };
}
