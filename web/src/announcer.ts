/** Speaks to screen readers, politely: several events within a moment become one sentence. */

export type Announce = (message: string) => void;

export function createAnnouncer(region: HTMLElement, gatherMs = 400): Announce {
  let gathered: string[] = [];
  return (message) => {
    gathered.push(message);
    if (gathered.length > 1) return;
    setTimeout(() => {
      region.textContent = gathered.slice(0, 5).join(' ');
      gathered = [];
    }, gatherMs);
  };
}
