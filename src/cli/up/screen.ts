/** Lines at the bottom of a terminal that are drawn over; what is finished scrolls up above them and stays. */
import type { Terminal } from '../terminal.ts';

export interface ScreenLine {
  draw(render: (columns: number) => string): void;
  /** Takes the line away and lets `print` write what stays. */
  finish(print: () => void): void;
}

export interface Screen {
  line(): ScreenLine;
  close(): void;
}

/** More would push each other off a small terminal. */
const mostLines = 8;
const csi = '\u001b[';

export function createScreen({ write, columns }: Pick<Terminal, 'write' | 'columns'>): Screen {
  const live = new Map<ScreenLine, (columns: number) => string>();
  let drawn = 0;

  function clear(): string {
    const up = drawn > 0 ? `${csi}${drawn}F${csi}J` : '';
    drawn = 0;
    return up;
  }

  function paintAll(): void {
    const width = columns();
    const shown = [...live.values()].slice(0, mostLines).map((render) => render(width));
    if (live.size > mostLines) shown.push(`and ${live.size - mostLines} more`);
    const text = shown.map((line) => `${line}\n`).join('');
    write(`${clear()}${text}`);
    drawn = shown.length;
  }

  // A cursor dancing over the bars would be seen.
  write(`${csi}?25l`);
  return {
    line() {
      const self: ScreenLine = {
        draw(render) {
          live.set(self, render);
          paintAll();
        },
        finish(print) {
          live.delete(self);
          write(clear());
          print();
          paintAll();
        },
      };
      return self;
    },
    close() {
      write(`${clear()}${csi}?25h`);
    },
  };
}
