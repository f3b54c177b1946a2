import { expect, it, vi } from 'vitest';
import type { UploadSnapshot } from '../../client/node/index.ts';
import { createPaint } from '../terminal.ts';
import { progressLine } from './report.ts';
import { createScreen } from './screen.ts';

it('createScreen() redraws once for many changes and prints finished lines in order', () => {
  vi.useFakeTimers();
  try {
    const written: string[] = [];
    const screen = createScreen({ write: (text) => void written.push(text), columns: () => 80 });
    written.length = 0;
    const lines = Array.from({ length: 100 }, () => screen.line());
    for (const [index, line] of lines.entries()) line.draw(() => `line ${index}`);
    expect(written).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(written).toHaveLength(1);
    expect(written[0]).toMatch(/^line 0\n(line \d\n){7}and 92 more\n$/);
    for (const line of lines) line.finish(() => written.push('finished'));
    screen.close();
    expect(written.filter((text) => text === 'finished')).toHaveLength(100);
    const count = written.length;
    vi.advanceTimersByTime(1000);
    expect(written).toHaveLength(count);
  } finally {
    vi.useRealTimers();
  }
});

it('progressLine() omits items that do not fit and is narrower than the terminal', () => {
  const snapshot = {
    status: 'uploading',
    waiting: null,
    loaded: 4e9,
    total: 8e9,
    size: 8e9,
    bytesPerSecond: 158e6,
    secondsLeft: 26,
  } as UploadSnapshot;
  for (let columns = 20; columns <= 120; columns++) {
    const line = progressLine('a-long-name-of-a-file.bin', snapshot, columns, createPaint(false));
    expect([...line].length).toBeLessThan(columns);
    expect(line).toMatch(/50% {2}(|8( G?B?)?|8 GB( {2}158 MB\/s( {2}26 s left)?)?)$/);
  }
});
