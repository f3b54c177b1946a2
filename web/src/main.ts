/** The page: puts desk, intake and list together, counts, and remembers the list. */

import { createClient } from 'waybill/client';
import { browserResumeStore } from 'waybill/client/resume-store';
import { createAnnouncer } from './announcer.ts';
import type { Consignment, Way } from './consignment.ts';
import { createDesk, isOpen } from './desk.ts';
import { must, setText } from './dom.ts';
import { recall, watchTabs } from './earlier.ts';
import { formatBytes, formatExactBytes } from './format.ts';
import { createHistory, reviveWay } from './history.ts';
import { createIntake } from './intake.ts';
import { createOverall } from './overall.ts';
import { createServices } from './services.ts';
import { loadSetup, type PageSetup } from './setup.ts';

/** Up to so many lines everything is counted at once; beyond, so often. */
const few = 50;
const countEveryMs = 300;
const saveEveryMs = 1500;

function start(setup: PageSetup): void {
  const store = browserResumeStore();
  const client = createClient({ endpoint: setup.endpoint, resumeStore: store });
  const endpoint = new URL(setup.endpoint, location.href);
  const history = createHistory(localStorage);
  const announce = createAnnouncer(must('announcer', HTMLElement));
  const services = createServices(must('services', HTMLElement), setup.services, client);
  const notice = must('notice', HTMLElement);
  const clear = must('clear', HTMLButtonElement);
  const chooseButton = must('choose', HTMLButtonElement);

  setText(must('from', HTMLElement), location.host);
  setText(must('to', HTMLElement), setup.storeName);
  setText(must('signer', HTMLElement), endpoint.host);

  const refresh = atMost(countEveryMs, count);
  const save = atMost(saveEveryMs, () => history.save(desk.lines().map(({ consignment }) => consignment)));
  const onChange = () => {
    const now = desk.lines().length <= few;
    refresh(now);
    save(now);
  };
  const desk = createDesk({
    client,
    store,
    list: must('list', HTMLOListElement),
    takesPaths: setup.takesPaths === true,
    route: services.chosen,
    announce,
    say,
    ask: () => intake.choose(),
    resolveUrl: (url) => new URL(url, endpoint).href,
    learnWay: async (uploadId) => (setup.waysUrl ? fetchWay(`${setup.waysUrl}/${encodeURIComponent(uploadId)}`) : null),
    onChange,
    fallbackFocus: chooseButton,
  });
  const overall = createOverall({
    goOn: () => desk.all('resume'),
    pause: () => desk.all('pause'),
    cancel: () => desk.all('abort'),
  });

  for (const id of ['choose', 'choose-folder'])
    must(id, HTMLButtonElement).addEventListener('click', desk.unwanted, { capture: true });
  const intake = createIntake({
    picker: must('picker', HTMLInputElement),
    folderPicker: must('folder-picker', HTMLInputElement),
    button: chooseButton,
    folderButton: must('choose-folder', HTMLButtonElement),
    take(files) {
      notice.hidden = true;
      void desk.take(files);
    },
    say,
  });
  must('note', HTMLFormElement).addEventListener('submit', (event) => event.preventDefault());
  clear.addEventListener('click', () => {
    for (const line of desk.lines().filter((line) => !isOpen(line) && !line.left)) desk.remove(line);
    chooseButton.focus();
  });
  addEventListener('pagehide', () => save(true));

  for (const consignment of history.load().reverse()) desk.add(consignment);
  onChange();
  // While sums move between changes of state, such as speed.
  setInterval(() => overall.show(desk.sum()), countEveryMs);
  recall(desk, client)
    .catch(() => {})
    .finally(() => {
      onChange();
      const interrupted = desk.lines().filter(({ consignment }) => consignment.stage === 'interrupted').length;
      if (interrupted > 1)
        say(
          `${interrupted.toLocaleString('en')} files were interrupted. Choose or drop them again, or their whole folder: what has been received is not sent twice.`,
        );
      watchTabs(desk, client, history, onChange);
    });

  function count(): void {
    const lines = desk.lines();
    must('none', HTMLElement).hidden = lines.length > 0;
    clear.hidden = !lines.some((line) => !isOpen(line) && !line.left);
    setText(must('tally', HTMLElement), tallyOf(lines.map(({ consignment }) => consignment)));
    const moving = lines.filter((line) => isOpen(line) && line.consignment.stage !== 'paused').length;
    document.title = moving > 0 ? `(${moving}) Waybill` : 'Waybill';
    overall.show(desk.sum());
  }

  function say(message: string): void {
    notice.hidden = false;
    setText(notice, message);
    announce(message);
  }
}

/** Runs `work` at once when told `now`, else at the end of each interval in which it was asked for. */
function atMost(everyMs: number, work: () => void): (now: boolean) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const run = () => {
    clearTimeout(timer);
    timer = undefined;
    work();
  };
  return (now) => {
    if (now) run();
    else timer ??= setTimeout(run, everyMs);
  };
}

function tallyOf(consignments: readonly Consignment[]): string {
  const received = consignments.filter(({ stage }) => stage === 'received');
  if (received.length === 0) return '';
  const counted = received.filter(({ way }) => way !== null);
  const bytes = received.reduce((sum, { size }) => sum + size, 0);
  const through = counted.reduce((sum, { way }) => sum + (way?.server.fileBytes ?? 0), 0);
  const tally = `${received.length.toLocaleString('en')} received, ${formatBytes(bytes)}`;
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
