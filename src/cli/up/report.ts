/** Reports uploads: bars on a screen, lines in a pipe, JSON for a script. Results go to stdout, the rest to stderr. */
import type { Upload, UploadSnapshot } from '../../client/node/index.ts';
import { formatBytes, formatSeconds } from '../../protocol/index.ts';
import { createPaint, type Paint, printable, type Terminal } from '../terminal.ts';
import { createScreen } from './screen.ts';

export interface Reporter {
  /** @param shown the path as typed @param endpoint resolves relative URLs */
  follow(shown: string, upload: Upload, endpoint: string): void;
  /** Reports that an upload of an earlier run is resumed. */
  resumed(shown: string): void;
  /** Reports something in a folder that is not a file. */
  skipped(what: string): void;
  /** Reports the uploads that a later run can resume, after Ctrl-C. */
  paused(count: number): void;
  close(): void;
}

export type ReportKind = 'lines' | 'json' | 'quiet';

export function createReporter(terminal: Terminal, kind: ReportKind): Reporter {
  const paint = createPaint(terminal.colours);
  const screen = kind === 'lines' && terminal.interactive ? createScreen(terminal) : undefined;
  const followed: [shown: string, upload: Upload][] = [];
  return {
    resumed(shown) {
      const print = () => terminal.err(`${paint('yellow', 'resumed')}  ${printable(shown)}`);
      if (kind === 'lines') screen ? screen.line().finish(print) : print();
    },
    skipped(what) {
      terminal.err(`${paint('yellow', 'skipped')}  ${what}`);
    },
    paused(count) {
      const print = () => {
        for (const [shown, upload] of followed) {
          const { status, size, loaded } = upload.getSnapshot();
          if (status !== 'paused') continue;
          if (kind === 'json') terminal.out(JSON.stringify({ path: shown, status, size, loaded }));
          else {
            const progress = `${formatBytes(loaded)} of ${formatBytes(size ?? 0)} have arrived`;
            terminal.err(`${paint('yellow', 'paused ')}  ${printable(shown)}  ${progress}`);
          }
        }
        const what = count === 1 ? 'it' : 'them';
        if (kind !== 'json')
          terminal.err(
            `Run the same command again to resume ${what}, or with --start-over to start from the beginning.`,
          );
      };
      screen ? screen.line().finish(print) : print();
    },
    follow(shown, upload, endpoint) {
      followed.push([shown, upload]);
      const line = screen?.line();
      const printResult = () => {
        const snapshot = upload.getSnapshot();
        if (kind === 'json') terminal.out(JSON.stringify(toJsonResult(shown, snapshot, endpoint)));
        else if (kind === 'lines') terminal.err(formatResult(printable(shown), snapshot, paint));
        else if (snapshot.status !== 'done') terminal.err(formatResult(printable(shown), snapshot, paint));
        if (kind !== 'json' && snapshot.file) terminal.out(toAbsoluteUrl(snapshot.file.url, endpoint));
      };
      const finish = () => (line ? line.finish(printResult) : printResult());
      let hasWarned = false;
      upload.subscribe(() => {
        const snapshot = upload.getSnapshot();
        const { warning } = snapshot;
        if (warning && !hasWarned) {
          hasWarned = true;
          const print = () =>
            terminal.err(`${paint('yellow', 'warning')}  ${printable(`${shown}  ${warning.message}`)}`);
          if (kind === 'lines') screen ? screen.line().finish(print) : print();
        }
        line?.draw((columns) => progressLine(printable(shown), snapshot, columns, paint));
      });
      upload.done.then(finish, finish);
    },
    close: () => screen?.close(),
  };
}

function toJsonResult(
  shown: string,
  { status, file, data, error, size, contentType }: UploadSnapshot,
  endpoint: string,
) {
  if (status === 'done' && file) return { path: shown, status, ...file, url: toAbsoluteUrl(file.url, endpoint), data };
  const { code, message, retryable } = error ?? { code: 'aborted', message: 'Stopped', retryable: false };
  return { path: shown, status, size, contentType, error: { code, message, retryable } };
}

function formatResult(shown: string, { status, size, error }: UploadSnapshot, paint: Paint): string {
  if (status === 'done') return `${paint('green', 'stored ')}  ${shown}  ${formatBytes(size ?? 0)}`;
  if (status === 'aborted') return `${paint('yellow', 'stopped')}  ${shown}`;
  const advice = error?.code === 'source_changed' ? ' To send the changed file, add --start-over' : '';
  const reason = `${printable(error?.message ?? 'unknown')} (${error?.code ?? 'unknown'})`;
  return `${paint('red', 'failed ')}  ${shown}  ${reason}${advice}`;
}

const statusWords: Readonly<Record<UploadSnapshot['status'], string>> = {
  queued: 'waiting',
  preparing: 'preparing',
  hashing: 'reading',
  granting: 'asking',
  uploading: '',
  completing: 'completing',
  paused: 'paused',
  done: 'stored',
  failed: 'failed',
  aborted: 'stopped',
};

/** Formats a line that is narrower than `columns`, because a line that wraps cannot be redrawn. */
export function progressLine(shown: string, snapshot: UploadSnapshot, columns: number, paint: Paint): string {
  const { status, waiting, loaded, total, size, bytesPerSecond, secondsLeft } = snapshot;
  const share = total ? Math.min(1, loaded / total) : 0;
  const word = waiting === 'offline' ? 'no network' : waiting === 'backoff' ? 'trying again' : statusWords[status];
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
  const columnsLeft = columns - 1 - nameWidth - 2 - (barWidth > 0 ? barWidth + 1 : 0) - 4 - 2;
  return `${shorten(shown, nameWidth)}  ${bar}${percent}  ${joinFitting(pace, columnsLeft)}`;
}

/** Joins as many whole items as fit. When not even the first item fits, it is cut. */
function joinFitting(items: readonly string[], columnsLeft: number): string {
  let text = items[0]?.slice(0, Math.max(0, columnsLeft)) ?? '';
  for (const item of items.slice(1)) {
    if (text.length + 2 + item.length > columnsLeft) break;
    text += `  ${item}`;
  }
  return text;
}

function shorten(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text.padEnd(width + text.length - characters.length);
  const head = Math.ceil((width - 1) / 2);
  return `${characters.slice(0, head).join('')}…${characters.slice(-(width - 1 - head)).join('')}`;
}

function toAbsoluteUrl(url: string, endpoint: string): string {
  return new URL(url, endpoint).href;
}
