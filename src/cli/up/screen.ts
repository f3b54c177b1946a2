/** Lines at the bottom of a terminal that are drawn over; what is finished scrolls up above them and stays. */
import type { Terminal } from '../terminal.ts';

export interface ScreenLine {
  draw(render: (columns: number) => string): void;
  /** Takes the line away and lets `print` write what stays, in a moment. */
  finish(print: () => void): void;
}

export interface Screen {
  line(): ScreenLine;
  close(): void;
}

/** More would push each other off a small terminal. */
const mostLines = 8;
/** Thousands of small files change more often than anyone can see; drawing for each cost more than sending them. */
const paintEveryMs = 80;
const csi = '\u001b[';

export function createScreen({ write, columns }: Pick<Terminal, 'write' | 'columns'>): Screen {
  const live = new Map<ScreenLine, (columns: number) => string>();
  const prints: (() => void)[] = [];
  let drawn = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function clear(): string {
    const up = drawn > 0 ? `${csi}${drawn}F${csi}J` : '';
    drawn = 0;
    return up;
  }

  function printAll(): void {
    clearTimeout(timer);
    timer = undefined;
    if (prints.length === 0) return;
    write(clear());
    for (const print of prints.splice(0)) print();
  }

  function paintAll(): void {
    printAll();
    const width = columns();
    const shown = [...live.values()].slice(0, mostLines).map((render) => render(width));
    if (live.size > mostLines) shown.push(`and ${live.size - mostLines} more`);
    write(`${clear()}${shown.map((line) => `${line}\n`).join('')}`);
    drawn = shown.length;
  }

  const paintSoon = () => {
    timer ??= setTimeout(paintAll, paintEveryMs);
  };

  // A cursor dancing over the bars would be seen.
  write(`${csi}?25l`);
  return {
    line() {
      const self: ScreenLine = {
        draw(render) {
          live.set(self, render);
          paintSoon();
        },
        finish(print) {
          live.delete(self);
          prints.push(print);
          paintSoon();
        },
      };
      return self;
    },
    close() {
      printAll();
      write(`${clear()}${csi}?25h`);
    },
  };
}
