/** The ways in: choosing files or a folder, dropping anywhere on the window, pasting. */
import { type FoundFile, filesOf } from 'waybill/client/folders';

export interface Intake {
  /** Opens the file dialog. */
  choose(): void;
}

export interface IntakeOptions {
  picker: HTMLInputElement;
  folderPicker: HTMLInputElement;
  button: HTMLButtonElement;
  folderButton: HTMLButtonElement;
  take(files: FoundFile[]): void;
  /** Something came in that is no file, or could not be read. */
  say(message: string): void;
}

type PickFiles = (options: { multiple: true }) => Promise<FileSystemFileHandle[]>;

export function createIntake({ picker, folderPicker, button, folderButton, take, say }: IntakeOptions): Intake {
  /** Chromium's dialog gives handles, with which an upload goes on after a reload without being asked for again. */
  async function choose(): Promise<void> {
    const { showOpenFilePicker } = window as { showOpenFilePicker?: PickFiles };
    if (!showOpenFilePicker) return picker.click();
    try {
      await receive(await showOpenFilePicker.call(window, { multiple: true }), 'There is no file in it.');
    } catch (error) {
      // Whoever closes the dialog wants nothing; where something else is in its way, the old one may work.
      const { name, message } = error as Error;
      if (name !== 'AbortError' || /intercept/i.test(message)) picker.click();
    }
  }

  button.addEventListener('click', () => void choose());
  folderButton.hidden = !('webkitdirectory' in folderPicker);
  folderButton.addEventListener('click', () => folderPicker.click());
  for (const input of [picker, folderPicker])
    input.addEventListener('change', () => {
      const files = [...(input.files ?? [])];
      // So that picking the same file again is a change too.
      input.value = '';
      void receive(files, 'There is no file in that folder.');
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
    if (event.dataTransfer) void receive(event.dataTransfer, 'There is no file in what you dropped.');
  });
  window.addEventListener('paste', (event) => {
    if (event.clipboardData) void receive(event.clipboardData, 'There is no file on the clipboard.');
  });

  async function receive(from: Parameters<typeof filesOf>[0], nothing: string): Promise<void> {
    const unreadable: string[] = [];
    const files = await filesOf(from, { onUnreadable: (path) => unreadable.push(path) });
    if (files.length > 0) take(files);
    if (unreadable.length > 0)
      say(`${unreadable.length === 1 ? 'One file' : `${unreadable.length} files`} could not be read: ${unreadable[0]}`);
    else if (files.length === 0) say(nothing);
  }

  return { choose: () => void choose() };
}
