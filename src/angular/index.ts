/**
 * angular: signals over the client's observable uploads. Call the functions where `inject` may be called, for example
 * in the fields of a component. They subscribe after the first rendering in a browser, so server rendering sends
 * nothing. They are plain functions, and need no module and no compiler.
 */
export type { DropzoneOptions, Rejection, UploadActions, UploadsActions, UseUploadOptions } from '../bindings/index.ts';
export { type InjectDropzone, injectDropzone } from './inject-dropzone.ts';
export { type InjectRoute, injectRoute } from './inject-route.ts';
export { type InjectUpload, type InjectUploads, injectUpload, injectUploads } from './inject-uploads.ts';
