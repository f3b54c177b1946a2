/**
 * react: thin bindings over the client's observable uploads. No upload starts in an effect or in a render, so server
 * rendering sends nothing, and StrictMode sends nothing twice.
 */
export type {
  DropzoneOptions,
  Rejection,
  UploadActions,
  UploadsActions,
  UseUploadOptions,
} from '../bindings/index.ts';
export { type UseDropzone, useDropzone } from './use-dropzone.ts';
export { type UseRoute, useRoute } from './use-route.ts';
export { type UseUpload, useUpload } from './use-upload.ts';
export { type UseUploads, useUploads } from './use-uploads.ts';
