/** The parts of the process that a command may use. Tests replace them. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Writes to `err` without a line end. */
  write(text: string): void;
  /** Whether `err` is a screen on which lines can be redrawn. */
  readonly interactive: boolean;
  /** The width of `err`. */
  columns(): number;
  readonly colours: boolean;
  readonly cwd: string;
  env(name: string): string | undefined;
  /** Standard input. */
  input(): AsyncIterable<Uint8Array>;
  readonly inputIsTerminal: boolean;
  /** Calls the listener on SIGINT, SIGTERM and SIGHUP. @returns a function that removes the listener */
  onInterrupt(listener: () => void): () => void;
}

export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  const interactive = stderr.isTTY === true && process.env.TERM !== 'dumb';
  // In `waybill up --help | head`, `head` ends before all is written. That is not an error.
  for (const stream of [stdout, stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(process.exitCode ?? 0);
    });
  return {
    out: (text) => void stdout.write(`${text}\n`),
    err: (text) => void stderr.write(`${text}\n`),
    write: (text) => void stderr.write(text),
    interactive,
    columns: () => stderr.columns || 80,
    colours: interactive && !process.env.NO_COLOR,
    cwd: process.cwd(),
    env: (name) => process.env[name] || undefined,
    input: () => process.stdin,
    inputIsTerminal: process.stdin.isTTY === true,
    onInterrupt(listener) {
      const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
      for (const signal of signals) process.on(signal, listener);
      return () => {
        for (const signal of signals) process.off(signal, listener);
      };
    },
  };
}

const codes = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const;

export type Paint = (style: keyof typeof codes, text: string) => string;

export function createPaint(colours: boolean): Paint {
  return (style, text) => {
    const [on, off] = codes[style];
    return colours ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  };
}

/** Replaces control characters in foreign text, because they could overwrite other text on the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\u2028\u2029]/gu, '\uFFFD');
}
