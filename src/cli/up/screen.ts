/** Redraws lines at the bottom of a terminal. Finished lines are printed above them, and stay. */
import type { Terminal } from '../terminal.ts';

export interface ScreenLine {
  draw(render: (columns: number) => string): void;
  /** Removes the line. `print` is called at the next redraw, to write the text that stays. */
  finish(print: () => void): void;
}

export interface Screen {
  line(): ScreenLine;
  close(): void;
}

/** More lines would not fit a small terminal. */
const maxLines = 8;
/** Redrawing on each change of thousands of small files would cost more than sending them. */
const redrawIntervalMs = 80;
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

  function redraw(): void {
    printAll();
    const width = columns();
    const shown = [...live.values()].slice(0, maxLines).map((render) => render(width));
    if (live.size > maxLines) shown.push(`and ${live.size - maxLines} more`);
    write(`${clear()}${shown.map((line) => `${line}\n`).join('')}`);
    drawn = shown.length;
  }

  const redrawSoon = () => {
    timer ??= setTimeout(redraw, redrawIntervalMs);
  };

  // Hides the cursor, which would flicker over the bars.
  write(`${csi}?25l`);
  return {
    line() {
      const self: ScreenLine = {
        draw(render) {
          live.set(self, render);
          redrawSoon();
        },
        finish(print) {
          live.delete(self);
          prints.push(print);
          redrawSoon();
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
