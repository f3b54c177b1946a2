/** The dialogs of the browser that choose files, a folder, or take a photo. */
import { el } from './dom.ts';

export type Choice = 'files' | 'folder' | 'photo';

export interface ChooseOptions {
  accept: string;
  multiple: boolean;
  /** `environment` or `user`, for `photo`. */
  camera: string;
}

export interface FileChooser {
  /** Opens the dialog. Browsers allow it in the handler of a click or a key only. */
  choose(what: Choice, options: ChooseOptions): void;
}

export function createFileChooser(parent: ShadowRoot, onFiles: (files: File[]) => void): FileChooser {
  const input = el('input', { type: 'file', hidden: true, tabindex: '-1', 'aria-hidden': 'true' });
  parent.append(input);
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    // The same file can then be chosen again.
    input.value = '';
    if (files.length > 0) onFiles(files);
  });
  return {
    choose(what, { accept, multiple, camera }) {
      const isPhoto = what === 'photo';
      input.multiple = multiple && !isPhoto;
      input.webkitdirectory = what === 'folder';
      // Chromium opens the camera only when every accepted type can be recorded.
      input.accept = isPhoto ? (/^video\//.test(accept) ? 'video/*' : 'image/*') : accept;
      input.toggleAttribute('capture', isPhoto);
      if (isPhoto) input.setAttribute('capture', camera);
      input.click();
    },
  };
}
