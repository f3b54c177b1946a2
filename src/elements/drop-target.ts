/** Receives files that are dropped on the element, or pasted. */

export interface DropTargetOptions {
  isEnabled(): boolean;
  /** Files hover over the element, or have left it. */
  setOver(isOver: boolean): void;
  /** Called in the handler of the event: the browser clears the data afterwards. */
  onFiles(data: DataTransfer): void;
  /** Whether files that are pasted anywhere in the page are for this element. */
  takesPastes(): boolean;
}

/** @returns a function that ends it, for the listener of the page */
export function watchDrops(host: HTMLElement, options: DropTargetOptions): () => void {
  const { isEnabled, setOver, onFiles, takesPastes } = options;
  const controller = new AbortController();
  const { signal } = controller;

  const onDrag = (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    // Without this, the browser would leave the page and open the file, also while the element is disabled.
    event.preventDefault();
    event.dataTransfer.dropEffect = isEnabled() ? 'copy' : 'none';
    setOver(isEnabled());
  };
  host.addEventListener('dragenter', onDrag, { signal });
  host.addEventListener('dragover', onDrag, { signal });
  host.addEventListener(
    'dragleave',
    ({ relatedTarget }) => {
      // Moving to a child also reports that the files have left.
      if (!(relatedTarget instanceof Node) || !host.contains(relatedTarget)) setOver(false);
    },
    { signal },
  );
  host.addEventListener(
    'drop',
    (event) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      setOver(false);
      if (isEnabled()) onFiles(event.dataTransfer);
    },
    { signal },
  );
  document.addEventListener(
    'paste',
    (event) => {
      const { clipboardData, target } = event;
      const isHere = target instanceof Node && host.contains(target);
      if (!clipboardData?.files.length || !isEnabled() || !(isHere || takesPastes())) return;
      event.preventDefault();
      onFiles(clipboardData);
    },
    { signal },
  );
  return () => controller.abort();
}
