/** Receives files: from the file and folder dialogs, dropped anywhere on the window, and pasted. */
import { type FoundFile, filesOf } from 'waybill/client/folders';

export interface FilePicker {
  openDialog(): void;
}

export interface FilePickerOptions {
  fileInput: HTMLInputElement;
  folderInput: HTMLInputElement;
  fileButton: HTMLButtonElement;
  folderButton: HTMLButtonElement;
  onFiles(files: FoundFile[]): void;
  /** Shows that there was no file, or that a file could not be read. */
  showNotice(message: string): void;
}

type ShowOpenFilePicker = (options: { multiple: true }) => Promise<FileSystemFileHandle[]>;
type ReceiveFiles = (from: Parameters<typeof filesOf>[0], messageIfEmpty: string) => Promise<void>;

export function createFilePicker(options: FilePickerOptions): FilePicker {
  const { fileInput, folderInput, fileButton, folderButton, onFiles, showNotice } = options;

  const receive: ReceiveFiles = async (from, messageIfEmpty) => {
    const unreadable: string[] = [];
    const files = await filesOf(from, { onUnreadable: (path) => unreadable.push(path) });
    if (files.length > 0) onFiles(files);
    if (unreadable.length > 0)
      showNotice(
        `${unreadable.length === 1 ? 'One file' : `${unreadable.length} files`} could not be read: ${unreadable[0]}`,
      );
    else if (files.length === 0) showNotice(messageIfEmpty);
  };

  const openDialog = () => void chooseFiles(fileInput, receive);
  fileButton.addEventListener('click', openDialog);
  folderButton.hidden = !('webkitdirectory' in folderInput);
  folderButton.addEventListener('click', () => folderInput.click());
  for (const input of [fileInput, folderInput])
    input.addEventListener('change', () => {
      const files = [...(input.files ?? [])];
      // Without this, choosing the same file again fires no `change` event.
      input.value = '';
      void receive(files, 'There is no file in that folder.');
    });
  receiveDrops(receive);
  window.addEventListener('paste', (event) => {
    if (event.clipboardData) void receive(event.clipboardData, 'There is no file on the clipboard.');
  });
  return { openDialog };
}

/**
 * Prefers Chromium's dialog, because its file handles let an upload resume after a reload without choosing the file
 * again.
 */
async function chooseFiles(fileInput: HTMLInputElement, receive: ReceiveFiles): Promise<void> {
  const { showOpenFilePicker } = window as { showOpenFilePicker?: ShowOpenFilePicker };
  if (!showOpenFilePicker) return fileInput.click();
  try {
    await receive(await showOpenFilePicker.call(window, { multiple: true }), 'There is no file in it.');
  } catch (error) {
    // `AbortError` means that the user closed the dialog. After any other error the file input may still work.
    const { name, message } = error as Error;
    if (name !== 'AbortError' || /intercept/i.test(message)) fileInput.click();
  }
}

function receiveDrops(receive: ReceiveFiles): void {
  const showDropTarget = (isOver: boolean) => document.documentElement.classList.toggle('dropping', isOver);
  // `dragover` repeats while something hovers. Counting `dragenter` and `dragleave` is less reliable: browsers lose
  // some.
  window.addEventListener('dragover', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
    showDropTarget(true);
  });
  window.addEventListener('dragleave', (event) => {
    // There is a related target between two elements, and none when the pointer leaves the window.
    if (!event.relatedTarget) showDropTarget(false);
  });
  window.addEventListener('drop', (event) => {
    showDropTarget(false);
    // For drops without files as well: a browser navigates to a dropped link.
    event.preventDefault();
    if (event.dataTransfer) void receive(event.dataTransfer, 'There is no file in what you dropped.');
  });
}
