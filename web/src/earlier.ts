/** What earlier pages left unfinished, and what other tabs of this browser do just now. */
import type { Client } from 'waybill/client';
import { type Desk, type Line, likeness } from './desk.ts';
import type { History } from './history.ts';

/** How often to look whether the tab that sends something is still there. */
const lookEveryMs = 2000;

/** Finds what was left; goes on with it where the browser lets this page read the file without asking. */
export async function recall(desk: Desk, client: Client): Promise<void> {
  const [left, busy, entries] = await Promise.all([client.resumable(), desk.store.busy(), desk.store.list()]);
  const handles = new Map(entries.map(({ fingerprint, handle }) => [fingerprint, handle]));
  // Oldest first, as their numbers are.
  for (const resumable of left.reverse()) {
    const { route, fileName, size, contentType, metadata, fingerprint } = resumable;
    const { relativePath = null } = (metadata ?? {}) as { relativePath?: string };
    const wanted = likeness({ route, fileName, size, relativePath });
    const known = desk
      .lines()
      .find(
        (line) =>
          line.fingerprint === fingerprint ||
          (!line.upload &&
            !line.left &&
            /^(interrupted|left)$/.test(line.consignment.stage) &&
            likeness(line.consignment) === wanted),
      );
    if (known?.upload) continue;
    const line =
      known ??
      desk.add({
        id: `left ${fingerprint}`,
        number: Math.max(0, ...desk.lines().map(({ consignment }) => consignment.number)) + 1,
        fileName,
        relativePath,
        size,
        lastModified: null,
        contentType,
        route,
        stage: 'interrupted',
        words: null,
        file: null,
        way: null,
        compact: false,
      });
    const wasPaused = line.consignment.stage === 'left';
    line.left = resumable;
    line.fingerprint = fingerprint;
    line.handle = (handles.get(fingerprint) as FileSystemFileHandle | undefined) ?? null;
    line.consignment = { ...line.consignment, stage: busy.has(fingerprint) ? 'elsewhere' : 'left', words: null };
    desk.changed(line);
    if (line.consignment.stage === 'left' && !wasPaused && (await isAllowed(line.handle))) desk.goOn(line);
  }
  for (const line of desk.lines())
    if (line.consignment.stage === 'left' && !line.left) {
      line.consignment = { ...line.consignment, stage: 'interrupted' };
      desk.changed(line);
    }
}

/** Shows what other tabs send, and takes over what they leave. */
export function watchTabs(desk: Desk, client: Client, history: History, onChange: () => void): void {
  desk.store.listen(desk.isElsewhere);
  setInterval(() => {
    if (desk.lines().some(isElsewhere)) void look();
  }, lookEveryMs);

  async function look(): Promise<void> {
    const [busy, entries] = await Promise.all([desk.store.busy(), desk.store.list()]);
    const there = new Set(entries.map(({ fingerprint }) => fingerprint));
    for (const line of desk.lines().filter(isElsewhere)) {
      const fingerprint = line.fingerprint ?? '';
      if (busy.has(fingerprint)) continue;
      line.consignment = { ...line.consignment, stage: 'interrupted' };
      // It has ended there, and the list that was saved there tells how.
      if (!there.has(fingerprint) && line.consignment.id.startsWith('tab ')) desk.remove(line);
      else desk.changed(line);
    }
    await recall(desk, client);
    onChange();
  }

  addEventListener('storage', (event) => {
    const saved = history.heard(event);
    if (!saved) return;
    const mine = new Map(desk.lines().map((line) => [line.consignment.id, line]));
    for (const consignment of saved.reverse()) {
      const line = mine.get(consignment.id);
      if (line?.upload || consignment.stage === 'interrupted' || consignment.stage === 'left') continue;
      if (!line) desk.add(consignment);
      else if (line.consignment.stage !== consignment.stage) {
        line.consignment = consignment;
        line.left = null;
        desk.changed(line);
      }
    }
    onChange();
  });
}

function isElsewhere({ consignment }: Line): boolean {
  return consignment.stage === 'elsewhere';
}

/** Without asking: a question may only follow a click. */
async function isAllowed(handle: FileSystemFileHandle | null): Promise<boolean> {
  if (!handle) return false;
  const { queryPermission } = handle as { queryPermission?: (options: { mode: 'read' }) => Promise<string> };
  return (await queryPermission?.call(handle, { mode: 'read' }).catch(() => 'denied')) === 'granted';
}
