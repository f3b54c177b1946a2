/**
 * react: thin bindings over the client's observable uploads. No upload starts in an effect or in a render, so server
 * rendering sends nothing, and StrictMode sends nothing twice.
 */
export { type UseRoute, useRoute } from './use-route.ts';
export { type UploadStart, type UseUpload, type UseUploadOptions, useUpload } from './use-upload.ts';
export { type UseUploads, useUploads } from './use-uploads.ts';
