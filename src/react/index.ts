/**
 * react: thin bindings over the client's observable uploads. Nothing starts in an effect or in a render, so StrictMode
 * and server rendering send nothing, and nothing twice.
 */
export { type UseRoute, useRoute } from './use-route.ts';
export { type UploadStart, type UseUpload, type UseUploadOptions, useUpload } from './use-upload.ts';
export { type UseUploads, useUploads } from './use-uploads.ts';
