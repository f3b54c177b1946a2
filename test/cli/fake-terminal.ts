import type { Terminal } from '../../src/cli/index.ts';

export interface FakeTerminal extends Terminal {
  /** Everything printed so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Does what Ctrl-C does. */
  interrupt(): void;
}

export function createFakeTerminal(
  options: Partial<Pick<Terminal, 'interactive' | 'cwd'>> & { env?: Record<string, string>; columns?: number } = {},
): FakeTerminal {
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  return {
    out: (text) => {
      stdout += `${text}\n`;
    },
    err: (text) => {
      stderr += `${text}\n`;
    },
    write: (text) => {
      stderr += text;
    },
    interactive: options.interactive ?? false,
    columns: () => options.columns ?? 80,
    colours: false,
    cwd: options.cwd ?? process.cwd(),
    env: (name) => options.env?.[name],
    async *input() {},
    inputIsTerminal: false,
    onInterrupt(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    interrupt() {
      for (const listener of listeners) listener();
    },
  };
}
