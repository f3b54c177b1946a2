/** The attributes of the dropzone, each reflected by a property. */
import type { DropzoneAttributes } from './types.ts';

type Kind = 'text' | 'flag' | 'number';

export const attributes: { readonly [Name in keyof DropzoneAttributes]: readonly [attribute: string, kind: Kind] } = {
  endpoint: ['endpoint', 'text'],
  route: ['route', 'text'],
  name: ['name', 'text'],
  required: ['required', 'flag'],
  disabled: ['disabled', 'flag'],
  maxFiles: ['max-files', 'number'],
  manual: ['manual', 'flag'],
  folders: ['folders', 'flag'],
  camera: ['camera', 'text'],
  reorder: ['reorder', 'flag'],
  skipDuplicates: ['skip-duplicates', 'flag'],
  persist: ['persist', 'text'],
  paste: ['paste', 'text'],
};

/** Defines a property for each attribute. */
export function reflectAttributes(prototype: HTMLElement): void {
  for (const [name, [attribute, kind]] of Object.entries(attributes))
    Object.defineProperty(prototype, name, {
      configurable: true,
      enumerable: true,
      get(this: HTMLElement) {
        const value = this.getAttribute(attribute);
        if (kind === 'flag') return value !== null;
        return kind === 'number' ? Math.max(0, Math.floor(Number(value)) || 0) : (value ?? '');
      },
      set(this: HTMLElement, value: unknown) {
        if (kind === 'flag') this.toggleAttribute(attribute, !!value);
        else if (value === null || value === undefined) this.removeAttribute(attribute);
        else this.setAttribute(attribute, String(value));
      },
    });
}
