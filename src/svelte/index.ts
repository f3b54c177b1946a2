/**
 * svelte: objects with reactive properties over the client's observable uploads, for Svelte 5. They subscribe while an
 * effect or a component reads them, so server rendering sends nothing. Do not destructure them: a property is reactive
 * where it is read.
 */
export type { DropzoneOptions, Rejection, UploadActions, UploadsActions, UseUploadOptions } from '../bindings/index.ts';
export { type UseDropzone, useDropzone } from './use-dropzone.ts';
export { type UseRoute, useRoute } from './use-route.ts';
export { type UseUpload, type UseUploads, useUpload, useUploads } from './use-uploads.ts';
