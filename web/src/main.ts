/** The page: takes files in, follows their uploads, and remembers the list. */
import { createClient, type Upload } from '../../src/client/index.ts';
import { createAnnouncer } from './announcer.ts';
import { type Consignment, follow, stages, type Way } from './consignment.ts';
import { type ConsignmentView, createConsignmentView } from './consignment-view.ts';
import { must, setText } from './dom.ts';
import { formatBytes, formatExactBytes } from './format.ts';
import { createHistory, reviveWay } from './history.ts';
import { createIntake } from './intake.ts';
import { shortName } from './names.ts';
import { createServices } from './services.ts';
import { loadSetup, type PageSetup } from './setup.ts';

interface Line {
  consignment: Consignment;
  view: ConsignmentView;
  /** Gone after a reload. */
  upload: Upload | null;
}

function start(setup: PageSetup): void {
  const client = createClient({ endpoint: setup.endpoint });
  const endpoint = new URL(setup.endpoint, location.href);
  const resolveUrl = (url: string) => new URL(url, endpoint).href;
  const history = createHistory(localStorage);
  const announce = createAnnouncer(must('announcer', HTMLElement));
  const services = createServices(must('services', HTMLElement), setup.services, client);
  const list = must('list', HTMLOListElement);
  const notice = must('notice', HTMLElement);
  const clear = must('clear', HTMLButtonElement);
  /** Newest first. */
  let lines: Line[] = [];
  let wanted: Line | null = null;

  setText(must('from', HTMLElement), location.host);
  setText(must('to', HTMLElement), setup.storeName);
  setText(must('signer', HTMLElement), endpoint.host);

  const intake = createIntake({
    picker: must('picker', HTMLInputElement),
    button: must('choose', HTMLButtonElement),
    take,
    say,
  });
  must('choose', HTMLButtonElement).addEventListener(
    'click',
    () => {
      wanted = null;
    },
    { capture: true },
  );
  must('note', HTMLFormElement).addEventListener('submit', (event) => event.preventDefault());
  clear.addEventListener('click', () => {
    for (const line of lines.filter((line) => !isMoving(line))) remove(line);
    must('choose', HTMLButtonElement).focus();
  });

  for (const consignment of history.load().reverse()) add(consignment);
  refresh();

  function take(files: File[]): void {
    notice.hidden = true;
    const again = wanted;
    wanted = null;
    for (const file of files) {
      if (again && files.length === 1) {
        const { fileName, size } = again.consignment;
        // One that failed in this page because it had changed may have another size now.
        if (file.name === fileName && (file.size === size || again.upload)) {
          again.consignment = { ...again.consignment, size: file.size };
          send(again, file);
          return;
        }
        say('That is another file than the one you were asked for, so it travels on its own.');
      }
      const number = Math.max(0, ...lines.map(({ consignment }) => consignment.number)) + 1;
      const id = `${Date.now().toString(36)}${number.toString(36)}${Math.random().toString(36).slice(2, 10)}`;
      const line = add({
        id,
        number,
        fileName: file.name,
        size: file.size,
        contentType: file.type || 'application/octet-stream',
        route: services.chosen(),
        stage: 'waiting',
        words: null,
        file: null,
        way: null,
      });
      send(line, file);
    }
  }

  function add(consignment: Consignment): Line {
    const line: Line = {
      consignment,
      upload: null,
      view: createConsignmentView(
        consignment,
        { cancel: () => line.upload?.abort(), again: () => again(line), remove: () => removeAndFocus(line) },
        resolveUrl,
      ),
    };
    lines = [line, ...lines];
    list.prepend(line.view.element);
    line.view.update(consignment, null, false);
    return line;
  }

  function send(line: Line, file: File): void {
    const upload = client.upload(line.consignment.route, file);
    line.upload = upload;
    upload.subscribe(() => {
      // A file that was picked again has another upload.
      if (line.upload === upload) onChange(line, upload);
    });
    onChange(line, upload);
    refresh();
  }

  function again(line: Line): void {
    if (line.upload && hasFile(line)) {
      line.upload.retry();
      return;
    }
    wanted = line;
    intake.choose();
  }

  function onChange(line: Line, upload: Upload): void {
    const snapshot = upload.getSnapshot();
    const before = line.consignment.stage;
    line.consignment = follow(line.consignment, snapshot);
    line.view.update(line.consignment, snapshot, hasFile(line));
    if (line.consignment.stage === before) return;
    refresh();
    if (isMoving(line)) return;
    const { fileName, words, file } = line.consignment;
    announce(`${shortName(fileName, 40)}: ${words ? `${words.title}. ${words.advice}` : 'received.'}`);
    if (file) void learnWay(line, file.uploadId);
  }

  /** After the fact, and never in its way: the file is stored whether or not anybody counted. */
  async function learnWay(line: Line, uploadId: string): Promise<void> {
    if (!setup.waysUrl) return;
    const way = await fetchWay(`${setup.waysUrl}/${encodeURIComponent(uploadId)}`);
    if (!way || line.consignment.file?.uploadId !== uploadId) return;
    line.consignment = { ...line.consignment, way };
    line.view.update(line.consignment, null, hasFile(line));
    refresh();
  }

  function remove(line: Line): void {
    lines = lines.filter((other) => other !== line);
    line.view.element.remove();
    refresh();
  }

  /** The button that had the focus is gone; the reader must not be thrown to the top of the page. */
  function removeAndFocus(line: Line): void {
    const next = line.view.element.nextElementSibling ?? line.view.element.previousElementSibling;
    remove(line);
    (next?.querySelector<HTMLElement>('button:not([hidden]), a:not([hidden])') ?? must('choose', HTMLElement)).focus();
  }

  function refresh(): void {
    must('none', HTMLElement).hidden = lines.length > 0;
    clear.hidden = !lines.some((line) => !isMoving(line));
    setText(must('tally', HTMLElement), tallyOf(lines.map(({ consignment }) => consignment)));
    const moving = lines.filter(isMoving).length;
    document.title = moving > 0 ? `(${moving}) Waybill` : 'Waybill';
    history.save(lines.map(({ consignment }) => consignment));
  }

  function say(message: string): void {
    notice.hidden = false;
    setText(notice, message);
    announce(message);
  }
}

/** A file that was moved, changed or taken away after it was picked has to be picked again. */
function hasFile({ upload }: Line): boolean {
  return upload !== null && !upload.getSnapshot().error?.code.startsWith('source_');
}

function isMoving({ consignment }: Line): boolean {
  return stages[consignment.stage].moving;
}

function tallyOf(consignments: readonly Consignment[]): string {
  const received = consignments.filter(({ stage }) => stage === 'received');
  if (received.length === 0) return '';
  const counted = received.filter(({ way }) => way !== null);
  const bytes = received.reduce((sum, { size }) => sum + size, 0);
  const through = counted.reduce((sum, { way }) => sum + (way?.server.fileBytes ?? 0), 0);
  const tally = `${received.length} received, ${formatBytes(bytes)}`;
  return counted.length < received.length ? tally : `${tally}, ${formatExactBytes(through)} of it through the server`;
}

async function fetchWay(url: string): Promise<Way | null> {
  try {
    const answer = await fetch(url, { cache: 'no-store' });
    return answer.ok ? reviveWay(await answer.json()) : null;
  } catch {
    return null;
  }
}

loadSetup().then(start, () => {
  const notice = must('notice', HTMLElement);
  notice.hidden = false;
  notice.textContent = 'The server does not answer. Is it still running? Reload the page when it is.';
});
