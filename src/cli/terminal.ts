/** Everything a command may touch of the process around it, so that tests can be the terminal. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** To `err`, without a line end: for drawing over. */
  write(text: string): void;
  /** Whether `err` is a screen on which lines may be drawn over. */
  readonly interactive: boolean;
  /** Of `err`. */
  columns(): number;
  readonly colours: boolean;
  readonly cwd: string;
  env(name: string): string | undefined;
  /** Standard input, read as it is asked for. */
  input(): AsyncIterable<Uint8Array>;
  readonly inputIsTerminal: boolean;
  /** Called for each Ctrl-C and each polite request to end. Returns how to stop listening. */
  onInterrupt(listener: () => void): () => void;
}

export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  const interactive = stderr.isTTY === true && process.env.TERM !== 'dumb';
  // `waybill up --help | head` ends early, and that is no error.
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

/** Strangers' words on a terminal: controls could move the cursor, or rewrite what stands there. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\u2028\u2029]/gu, '\uFFFD');
}
