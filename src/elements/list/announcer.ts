/** Announces events to screen readers. Events within `gatherMs` become one announcement of at most four sentences. */
export type Announce = (message: string) => void;

export function createAnnouncer(liveRegion: HTMLElement, gatherMs = 400): Announce {
  let gathered: string[] = [];
  return (message) => {
    gathered.push(message);
    if (gathered.length > 1) return;
    setTimeout(() => {
      liveRegion.textContent = gathered.slice(-4).join(' · ');
      gathered = [];
    }, gatherMs);
  };
}
