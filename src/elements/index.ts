/**
 * elements: the web component `<waybill-dropzone>`. Importing this entry defines it. On a server it defines nothing.
 */
import { WaybillDropzone } from './waybill-dropzone.ts';

export type { ItemState } from './list/items.ts';
export type { DropzoneAttributes, DropzoneEvents, DropzoneFile, DropzoneProperties } from './types.ts';
export { WaybillDropzone };

declare global {
  interface HTMLElementTagNameMap {
    'waybill-dropzone': WaybillDropzone;
  }
}

// Two copies of the package can be in one page. The first one defines the element.
if (globalThis.customElements && !customElements.get('waybill-dropzone'))
  customElements.define('waybill-dropzone', WaybillDropzone);
