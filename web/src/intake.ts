/** Three ways in: choosing, dropping anywhere on the window, pasting. Folders are named, not silently lost. */

export interface Intake {
  /** Opens the file dialog. */
  choose(): void;
}

export interface IntakeOptions {
  picker: HTMLInputElement;
  button: HTMLButtonElement;
  take(files: File[]): void;
  /** Something came in that is no file. */
  say(message: string): void;
}

export function createIntake({ picker, button, take, say }: IntakeOptions): Intake {
  const choose = () => picker.click();
  button.addEventListener('click', choose);
  picker.addEventListener('change', () => {
    const files = [...(picker.files ?? [])];
    // So that picking the same file again is a change too.
    picker.value = '';
    if (files.length > 0) take(files);
  });

  const willing = (now: boolean) => document.documentElement.classList.toggle('dropping', now);
  // Not by counting enters and leaves: a browser may lose one, and `dragover` comes again as long as something hovers.
  window.addEventListener('dragover', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
    willing(true);
  });
  window.addEventListener('dragleave', (event) => {
    // Between two elements there is a related one; out of the window there is none.
    if (!event.relatedTarget) willing(false);
  });
  window.addEventListener('drop', (event) => {
    willing(false);
    // Also for what carries no file: the browser would leave the page for a dropped link.
    event.preventDefault();
    if (event.dataTransfer) receive(event.dataTransfer, 'There is no file in what you dropped.');
  });
  window.addEventListener('paste', (event) => {
    if (event.clipboardData) receive(event.clipboardData, 'There is no file on the clipboard.');
  });

  function receive(data: DataTransfer, nothing: string): void {
    const folders: string[] = [];
    const files: File[] = [];
    for (const item of data.items) {
      if (item.kind !== 'file') continue;
      const entry = item.webkitGetAsEntry?.();
      const file = item.getAsFile();
      if (entry?.isDirectory) folders.push(entry.name);
      else if (file) files.push(file);
    }
    if (files.length > 0) take(files);
    if (folders.length > 0) say(`A folder cannot be sent as one. Open it, and drop the files inside.`);
    else if (files.length === 0) say(nothing);
  }

  return { choose };
}
