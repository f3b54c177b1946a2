/**
 * solid: accessors over the client's observable uploads. They subscribe when their component is mounted, so server
 * rendering sends nothing.
 */
export type { DropzoneOptions, Rejection, UploadActions, UploadsActions, UseUploadOptions } from '../bindings/index.ts';
export { type UseDropzone, useDropzone } from './use-dropzone.ts';
export { type UseRoute, useRoute } from './use-route.ts';
export { type UseUpload, type UseUploads, useUpload, useUploads } from './use-uploads.ts';
