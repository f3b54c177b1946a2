/** How the uploads are told: bars on a screen, lines in a pipe, JSON for a script. Results go to stdout, the rest to stderr. */
import type { Upload, UploadSnapshot } from '../../client/node/index.ts';
import { formatBytes, formatSeconds } from '../../protocol/index.ts';
import { createPaint, type Paint, printable, type Terminal } from '../terminal.ts';
import { createScreen } from './screen.ts';

export interface Reporter {
  /** @param shown the file as it was typed @param endpoint its server, for relative addresses */
  follow(shown: string, upload: Upload, endpoint: string): void;
  /** An earlier run began this one. */
  goesOn(shown: string): void;
  /** Of a folder, something that is not a file was left out. */
  skipped(what: string): void;
  /** After Ctrl-C: so many stay for another run. */
  paused(count: number): void;
  close(): void;
}

export type ReportKind = 'lines' | 'json' | 'quiet';

export function createReporter(terminal: Terminal, kind: ReportKind): Reporter {
  const paint = createPaint(terminal.colours);
  const screen = kind === 'lines' && terminal.interactive ? createScreen(terminal) : undefined;
  const followed: [shown: string, upload: Upload][] = [];
  return {
    goesOn(shown) {
      const tell = () => terminal.err(`${paint('yellow', 'goes on')}  ${printable(shown)}`);
      if (kind === 'lines') screen ? screen.line().finish(tell) : tell();
    },
    skipped(what) {
      terminal.err(`${paint('yellow', 'skipped')}  ${what}`);
    },
    paused(count) {
      const tell = () => {
        for (const [shown, upload] of followed) {
          const { status, size, loaded } = upload.getSnapshot();
          if (status !== 'paused') continue;
          if (kind === 'json') terminal.out(JSON.stringify({ path: shown, status, size, loaded }));
          else
            terminal.err(
              `${paint('yellow', 'paused ')}  ${printable(shown)}  ${formatBytes(loaded)} of ${formatBytes(size ?? 0)} have arrived`,
            );
        }
        if (kind !== 'json')
          terminal.err(`The same command goes on with ${count === 1 ? 'it' : 'them'}. To begin anew: --start-over`);
      };
      screen ? screen.line().finish(tell) : tell();
    },
    follow(shown, upload, endpoint) {
      followed.push([shown, upload]);
      const line = screen?.line();
      const ended = () => {
        const snapshot = upload.getSnapshot();
        if (kind === 'json') terminal.out(JSON.stringify(resultOf(shown, snapshot, endpoint)));
        else if (kind === 'lines') terminal.err(summary(printable(shown), snapshot, paint));
        else if (snapshot.status !== 'done') terminal.err(summary(printable(shown), snapshot, paint));
        if (kind !== 'json' && snapshot.file) terminal.out(absolute(snapshot.file.url, endpoint));
      };
      const settle = () => (line ? line.finish(ended) : ended());
      let warned = false;
      upload.subscribe(() => {
        const snapshot = upload.getSnapshot();
        const { warning } = snapshot;
        if (warning && !warned) {
          warned = true;
          const tell = () =>
            terminal.err(`${paint('yellow', 'warning')}  ${printable(`${shown}  ${warning.message}`)}`);
          if (kind === 'lines') screen ? screen.line().finish(tell) : tell();
        }
        line?.draw((columns) => progressLine(printable(shown), snapshot, columns, paint));
      });
      upload.done.then(settle, settle);
    },
    close: () => screen?.close(),
  };
}

function resultOf(shown: string, { status, file, data, error, size, contentType }: UploadSnapshot, endpoint: string) {
  if (status === 'done' && file) return { path: shown, status, ...file, url: absolute(file.url, endpoint), data };
  const { code, message, retryable } = error ?? { code: 'aborted', message: 'Stopped', retryable: false };
  return { path: shown, status, size, contentType, error: { code, message, retryable } };
}

function summary(shown: string, { status, size, error }: UploadSnapshot, paint: Paint): string {
  if (status === 'done') return `${paint('green', 'stored ')}  ${shown}  ${formatBytes(size ?? 0)}`;
  if (status === 'aborted') return `${paint('yellow', 'stopped')}  ${shown}`;
  const advice = error?.code === 'source_changed' ? ' To send it as it is now: --start-over' : '';
  return `${paint('red', 'failed ')}  ${shown}  ${printable(error?.message ?? 'unknown')} (${error?.code ?? 'unknown'})${advice}`;
}

const words: Readonly<Record<UploadSnapshot['status'], string>> = {
  queued: 'waiting',
  hashing: 'reading',
  granting: 'asking',
  uploading: '',
  completing: 'checking in',
  paused: 'paused',
  done: 'stored',
  failed: 'failed',
  aborted: 'stopped',
};

/** At most `columns` wide: a line that wraps could not be drawn over. */
export function progressLine(shown: string, snapshot: UploadSnapshot, columns: number, paint: Paint): string {
  const { status, waiting, loaded, total, size, bytesPerSecond, secondsLeft } = snapshot;
  const share = total ? Math.min(1, loaded / total) : 0;
  const word = waiting === 'offline' ? 'no network' : waiting === 'backoff' ? 'trying again' : words[status];
  const pace =
    word !== ''
      ? [word]
      : [
          formatBytes(size ?? loaded),
          ...(bytesPerSecond > 0 ? [`${formatBytes(bytesPerSecond)}/s`] : []),
          ...(secondsLeft === null ? [] : [`${formatSeconds(secondsLeft)} left`]),
        ];
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  const barWidth = columns >= 60 ? 20 : columns >= 40 ? 10 : 0;
  const nameWidth = Math.max(8, Math.min(30, columns - barWidth - 40));
  const filled = Math.round(share * barWidth);
  const bar =
    barWidth > 0 ? `${paint('green', '━'.repeat(filled))}${paint('dim', '─'.repeat(barWidth - filled))} ` : '';
  const room = columns - 1 - nameWidth - 2 - (barWidth > 0 ? barWidth + 1 : 0) - 4 - 2;
  return `${ellipsis(shown, nameWidth)}  ${bar}${percent}  ${fitting(pace, room)}`;
}

/** As many as there is room for, each whole: half a number says something else. */
function fitting(words: readonly string[], room: number): string {
  let text = words[0]?.slice(0, Math.max(0, room)) ?? '';
  for (const word of words.slice(1)) {
    if (text.length + 2 + word.length > room) break;
    text += `  ${word}`;
  }
  return text;
}

function ellipsis(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text.padEnd(width + text.length - characters.length);
  const head = Math.ceil((width - 1) / 2);
  return `${characters.slice(0, head).join('')}…${characters.slice(-(width - 1 - head)).join('')}`;
}

function absolute(url: string, endpoint: string): string {
  return new URL(url, endpoint).href;
}
