/**
 * The desk: takes files in, follows their uploads, and goes on with what earlier pages left. Longer than most, because all that
 * can become of one line stands here in one place.
 */

import type { Client, FileLike, Resumable, ResumeProgress, Upload, UploadOptions } from 'waybill/client';
import { type FoundFile, filesOf } from 'waybill/client/folders';
import type { BrowserResumeStore } from 'waybill/client/resume-store';
import type { Announce } from './announcer.ts';
import { type Consignment, follow, stages, type Way } from './consignment.ts';
import { createConsignmentView, type Progress } from './consignment-view.ts';
import { shortName } from './names.ts';
import type { Sum } from './overall.ts';
import { createRoll, type RollView } from './roll.ts';

export interface Line {
  consignment: Consignment;
  /** Null while nothing of it runs in this page. */
  upload: Upload | null;
  progress: Progress | null;
  /** As it was taken in by this page. */
  file: FoundFile | null;
  handle: FileSystemFileHandle | null;
  /** What an earlier page, or another tab, began. */
  left: Resumable | null;
  fingerprint: string | null;
  changed: boolean;
  /** Which run of the desk it belongs to; 0: none of this page's. */
  run: number;
}

export interface DeskOptions {
  client: Client;
  store: BrowserResumeStore;
  list: HTMLElement;
  takesPaths: boolean;
  route(): string;
  announce: Announce;
  say(message: string): void;
  /** Asks for a file. */
  ask(): void;
  resolveUrl(url: string): string;
  learnWay(uploadId: string): Promise<Way | null>;
  /** Something is worth saving or counting anew. */
  onChange(): void;
  /** Where the focus goes when there is no line left. */
  fallbackFocus: HTMLElement;
}

export type Desk = ReturnType<typeof createDesk>;

/** From so many at once on they are short lines, spoken of as one. */
const many = 12;
/** Files taken in at once, before the page may do something else. */
const slice = 15;

export function createDesk(options: DeskOptions) {
  const { client, store, announce, say, onChange } = options;
  /** Newest first. */
  let lines: Line[] = [];
  let wanted: { line: Line; anew: boolean } | null = null;
  let lastNumber = 0;
  let run = 0;
  const roll = createRoll<Line>(options.list, viewOf, ({ consignment }) => (consignment.compact ? 'short' : ''));

  function viewOf(line: Line): RollView {
    const { element, update } = createConsignmentView(
      line.consignment,
      {
        pause: () => line.upload?.pause(),
        goOn: () => goOn(line),
        startOver: () => void startOver(line),
        cancel: () => line.upload?.abort(),
        again: () => again(line),
        remove: () => removeAndFocus(line),
      },
      options.resolveUrl,
    );
    return {
      element,
      draw() {
        const { consignment, progress, changed } = line;
        const shell = roll.shellOf(line);
        if (shell) shell.dataset.stage = consignment.stage;
        update(consignment, { progress, hasFile: hasFile(line), changed });
      },
    };
  }

  function add(consignment: Consignment): Line {
    const line: Line = {
      consignment,
      upload: null,
      progress: null,
      file: null,
      handle: null,
      left: null,
      fingerprint: null,
      changed: false,
      run: 0,
    };
    lastNumber = Math.max(lastNumber, consignment.number);
    lines.unshift(line);
    roll.add(line);
    return line;
  }

  async function take(files: FoundFile[]): Promise<void> {
    const asked = wanted;
    wanted = null;
    const [first] = files;
    if (asked && first && files.length === 1) {
      const { line, anew } = asked;
      const { fileName, size } = line.consignment;
      // One that was begun is compared byte by byte; one that failed in this page may have another size now.
      if (first.fileName === fileName && (first.size === size || line.upload || line.left || anew)) {
        line.file = first;
        line.handle = handleOf(first);
        if (line.left && !anew) begin(line, line.left.resume(first));
        else send(line, first, anew);
        return;
      }
      say('That is another file than the one you were asked for, so it travels on its own.');
    }
    const compact = files.length > many;
    const route = options.route();
    if (!lines.some(isOpen)) run++;
    const earlier = earlierOf(lines);
    // A folder that comes again to be gone on with, not to be sent anew.
    const goesOn = files.some((file) => {
      const line = earlier.get(likeness(likelyOf(file, route)));
      return line && line.consignment.stage !== 'received';
    });
    let alreadyReceived = 0;
    for (const [index, file] of files.entries()) {
      // In between, the page is its reader's.
      if (index % slice === slice - 1) await nextTask();
      const likely = likelyOf(file, route);
      const lastModified = file.blob.lastModified;
      const before = earlier.get(likeness(likely));
      if (before && !before.upload && before.consignment.stage !== 'received') {
        before.consignment = { ...before.consignment, lastModified };
        before.file = file;
        before.handle = handleOf(file);
        if (before.left) begin(before, before.left.resume(file));
        else send(before, file, false);
        continue;
      }
      if (goesOn && before?.consignment.lastModified === lastModified) {
        alreadyReceived++;
        continue;
      }
      const number = lastNumber + 1;
      const line = add({
        ...likely,
        lastModified,
        id: `${Date.now().toString(36)}${number.toString(36)}${Math.random().toString(36).slice(2, 10)}`,
        number,
        contentType: file.contentType || 'application/octet-stream',
        stage: 'waiting',
        words: null,
        file: null,
        way: null,
        compact,
      });
      line.file = file;
      line.handle = handleOf(file);
      send(line, file, false);
    }
    if (alreadyReceived > 0)
      say(
        alreadyReceived === 1
          ? 'One of these files has been received already, and is not sent again.'
          : `${alreadyReceived.toLocaleString('en')} of these files have been received already, and are not sent again.`,
      );
    onChange();
  }

  function send(line: Line, file: FileLike, startOver: boolean): void {
    const { route, relativePath, fileName } = line.consignment;
    const metadata = options.takesPaths && relativePath !== null ? { metadata: { relativePath } } : {};
    line.left = null;
    begin(line, client.upload(route, file, { fileName, startOver, ...metadata } as UploadOptions));
  }

  function begin(line: Line, upload: Upload): void {
    line.upload = upload;
    line.changed = false;
    line.run = run || 1;
    run = line.run;
    const { file, consignment } = line;
    if (file) line.consignment = { ...consignment, size: file.size };
    upload.subscribe(() => {
      // A file that was picked again has another upload.
      if (line.upload === upload) hear(line, upload);
    });
    hear(line, upload);
    onChange();
  }

  function hear(line: Line, upload: Upload): void {
    const snapshot = upload.getSnapshot();
    const before = line.consignment.stage;
    line.progress = snapshot;
    line.consignment = follow(line.consignment, snapshot);
    const code = snapshot.error?.code;
    line.changed = code === 'source_changed';
    if (code === 'upload_conflict' && line.left) {
      line.upload = null;
      line.consignment = { ...line.consignment, stage: 'elsewhere', words: null };
    }
    roll.changed(line);
    if (line.consignment.stage === before) return;
    onChange();
    if (stages[line.consignment.stage].moving) return;
    const { fileName, words, file, compact } = line.consignment;
    // Among hundreds that went well nobody would find it.
    if (compact && words && words.verdict !== 'cancelled') roll.lift(line);
    if (file) {
      line.left = null;
      line.file = null;
    }
    if (words || !compact)
      announce(`${shortName(fileName, 40)}: ${words ? `${words.title}. ${words.advice}` : 'received.'}`);
    else if (!lines.some((other) => other.run === line.run && isOpen(other))) announce('All files have been received.');
    if (file && !compact) void learn(line, file.uploadId);
  }

  /** After the fact, and never in its way: the file is stored whether or not anybody counted. */
  async function learn(line: Line, uploadId: string): Promise<void> {
    const way = await options.learnWay(uploadId);
    if (!way || line.consignment.file?.uploadId !== uploadId) return;
    line.consignment = { ...line.consignment, way };
    roll.changed(line);
    onChange();
  }

  function goOn(line: Line): void {
    if (line.upload) line.upload.resume();
    else if (line.left && (!line.left.needsFile || line.file)) begin(line, line.left.resume(line.file ?? undefined));
    else again(line);
  }

  function again(line: Line): void {
    if (line.upload && hasFile(line)) line.upload.retry();
    else ask(line, false);
  }

  async function startOver(line: Line): Promise<void> {
    const { left, handle, file } = line;
    const fresh = handle ? await reopen(handle, line.consignment) : await readable(file);
    if (!fresh && !left) return ask(line, true);
    await left?.forget().catch(() => {});
    line.left = null;
    if (!fresh) return ask(line, true);
    line.file = fresh;
    send(line, fresh, true);
  }

  function ask(line: Line, anew: boolean): void {
    wanted = { line, anew };
    options.ask();
  }

  function remove(line: Line): void {
    lines = lines.filter((other) => other !== line);
    roll.remove(line);
    // Nobody can see it any more, so nobody could go on with it.
    line.left?.forget().catch(() => {});
    onChange();
  }

  /** The button that had the focus is gone; the reader must not be thrown to the top of the page. */
  function removeAndFocus(line: Line): void {
    const shell = roll.shellOf(line);
    const next = shell?.nextElementSibling ?? shell?.previousElementSibling;
    remove(line);
    (next?.querySelector<HTMLElement>('button:not([hidden]), a:not([hidden])') ?? options.fallbackFocus).focus();
  }

  /** Another tab sends it, or has just stopped doing so. */
  function isElsewhere({ fingerprint, fileName, size, loaded, status }: ResumeProgress): void {
    let line = lines.find((one) => one.fingerprint === fingerprint);
    if (line?.upload) return;
    if (status === 'done' || status === 'failed' || status === 'aborted') return;
    if (!line) {
      const [route = ''] = fingerprint.split(' ').slice(1);
      line = add({
        id: `tab ${fingerprint}`,
        number: lastNumber + 1,
        fileName,
        relativePath: null,
        size,
        lastModified: null,
        contentType: 'application/octet-stream',
        route,
        stage: 'elsewhere',
        words: null,
        file: null,
        way: null,
        compact: false,
      });
      line.fingerprint = fingerprint;
    }
    line.progress = { loaded, total: size, bytesPerSecond: 0, secondsLeft: null };
    if (line.consignment.stage !== 'elsewhere') {
      line.consignment = { ...line.consignment, stage: 'elsewhere', words: null };
      onChange();
    }
    roll.changed(line);
  }

  return {
    take,
    add,
    begin,
    goOn,
    remove,
    isElsewhere,
    changed: roll.changed,
    lines: (): readonly Line[] => lines,
    unwanted: () => {
      wanted = null;
    },
    all(what: 'pause' | 'resume' | 'abort') {
      client[what]();
    },
    sum(): Sum {
      const sum = { files: 0, received: 0, failed: 0, loaded: 0, total: 0, bytesPerSecond: 0, moving: 0, paused: 0 };
      for (const { consignment, progress, run: of, upload } of lines) {
        if (of !== run || !upload || consignment.stage === 'cancelled') continue;
        const { stage, size } = consignment;
        sum.files++;
        if (stage === 'received') sum.received++;
        else if (stage === 'refused' || stage === 'held') {
          sum.failed++;
          continue;
        } else if (stage === 'paused') sum.paused++;
        else sum.moving++;
        sum.total += size;
        sum.loaded += stage === 'received' ? size : Math.min(size, progress?.loaded ?? 0);
        if (stage === 'sending') sum.bytesPerSecond += progress?.bytesPerSecond ?? 0;
      }
      return sum;
    },
    store,
  };
}

/** A file that was moved, changed or taken away after it was picked has to be picked again. */
function hasFile({ upload, left, file }: Line): boolean {
  if (upload) return !upload.getSnapshot().error?.code.startsWith('source_');
  return left !== null && (!left.needsFile || file !== null);
}

export function isOpen({ consignment }: Line): boolean {
  return stages[consignment.stage].moving;
}

/** What tells one file of a list from others, as far as a list remembers it. */
export function likeness(of: Pick<Consignment, 'route' | 'fileName' | 'size' | 'relativePath'>): string {
  return JSON.stringify([of.route, of.fileName, of.size, of.relativePath]);
}

/** What earlier pages sent or left, of which nothing runs in this one. What is unfinished counts before what was received. */
function earlierOf(lines: readonly Line[]): Map<string, Line> {
  const earlier = new Map<string, Line>();
  for (const line of lines) {
    const { stage } = line.consignment;
    if (line.upload || !(stage === 'received' || stage === 'interrupted' || line.left)) continue;
    const like = likeness(line.consignment);
    if (stage !== 'received' || !earlier.has(like)) earlier.set(like, line);
  }
  return earlier;
}

function likelyOf({ fileName, size, relativePath }: FoundFile, route: string) {
  return { route, fileName, size, relativePath: relativePath === fileName ? null : relativePath };
}

function handleOf({ handle }: FoundFile): FileSystemFileHandle | null {
  return (handle as FileSystemFileHandle | undefined) ?? null;
}

/** The file as it is now. */
async function reopen(handle: FileSystemFileHandle, { relativePath }: Consignment): Promise<FoundFile | null> {
  const [found] = await filesOf([handle], { filter: () => true });
  return found ? { ...found, relativePath: relativePath ?? found.fileName } : null;
}

async function readable(file: FoundFile | null): Promise<FoundFile | null> {
  return file
    ? file.read(0, Math.min(1, file.size)).then(
        () => file,
        () => null,
      )
    : null;
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve();
    port2.postMessage(null);
  });
}
