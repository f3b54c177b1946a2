/** The dropzone as a field of a form: its value, and whether the form can be sent. */
import type { Translator } from '../messages/translate.ts';

/** What the list means for the form. */
export interface FieldState {
  /** The `url` of each stored file, in the order of the list. */
  urls: readonly string[];
  /** Why the form cannot be sent yet. */
  problem: 'stillUploading' | 'notUploaded' | null;
}

export interface FormField {
  readonly value: readonly string[];
  setCustomValidity(message: string): void;
  /** @returns whether the value has changed */
  update(state: FieldState, translator: Translator): boolean;
}

interface Field {
  readonly name: string;
  readonly required: boolean;
}

export function createFormField(field: Field, internals: ElementInternals, anchor: HTMLElement): FormField {
  let value: readonly string[] = [];
  let lastName = '';
  let customMessage = '';

  function setValue(urls: readonly string[]): boolean {
    const { name } = field;
    const isSame = urls.length === value.length && urls.every((url, index) => url === value[index]);
    if (isSame && name === lastName) return false;
    value = urls;
    lastName = name;
    const data = new FormData();
    if (name) for (const url of urls) data.append(name, url);
    internals.setFormValue(data);
    return !isSame;
  }

  return {
    get value() {
      return value;
    },
    setCustomValidity(message) {
      customMessage = message;
    },
    update({ urls, problem }, { text }) {
      const message = customMessage || (problem ? text(problem) : '');
      if (message) internals.setValidity({ customError: true }, message, anchor);
      else if (field.required && urls.length === 0)
        internals.setValidity({ valueMissing: true }, text('missing'), anchor);
      else internals.setValidity({});
      return setValue(urls);
    },
  };
}
