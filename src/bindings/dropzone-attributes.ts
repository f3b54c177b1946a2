/** The attributes of a dropzone and its input, by their names in HTML. They are the same on a server. */
import type { DropzoneOptions, DropzoneState } from './dropzone-types.ts';
import type { RouteState } from './route-state.ts';

export interface RootAttributes {
  role: 'button' | 'group';
  /** Undefined for a dropzone that is not a button: it contains one. */
  tabindex: 0 | -1 | undefined;
  'aria-disabled': 'true' | undefined;
  'aria-busy': 'true' | undefined;
  /** For styles: `[data-dragging]`. */
  'data-dragging': '' | undefined;
}

export function rootAttributes(
  { isButton = true, disabled }: Pick<DropzoneOptions, 'isButton' | 'disabled'>,
  { isDragging, isReading }: DropzoneState,
): RootAttributes {
  return {
    role: isButton ? 'button' : 'group',
    tabindex: isButton ? (disabled ? -1 : 0) : undefined,
    'aria-disabled': disabled ? 'true' : undefined,
    'aria-busy': isReading ? 'true' : undefined,
    'data-dragging': isDragging ? '' : undefined,
  };
}

export interface InputAttributes {
  type: 'file';
  accept: string | undefined;
  multiple: boolean;
  disabled: boolean;
  /** The dropzone or its button is what users see and reach. */
  hidden: true;
}

export function inputAttributes(
  { multiple, disabled = false }: Pick<DropzoneOptions, 'multiple' | 'disabled'>,
  { info, accept }: RouteState,
): InputAttributes {
  return { type: 'file', accept, multiple: multiple ?? info?.limits.maxFiles !== 1, disabled, hidden: true };
}
