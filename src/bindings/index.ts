/**
 * bindings: what the bindings of all frameworks share. One upload, a list of uploads, the limits of a route and a
 * dropzone, each as an observable snapshot. A binding creates one, subscribes when its component is mounted in a
 * browser, and shows the snapshot in the way of its framework. Nothing here starts a request before that.
 */
export { createDropzone, type Dropzone } from './dropzone.ts';
export {
  type InputAttributes,
  inputAttributes,
  type RootAttributes,
  rootAttributes,
} from './dropzone-attributes.ts';
export type { DropzoneOptions, DropzoneState, Rejection } from './dropzone-types.ts';
export type { Observable } from './observable.ts';
export { acceptOf, createRouteState, type RouteState } from './route-state.ts';
export type { Routes, Target, UploadActions, UploadsActions, UseUploadOptions } from './types.ts';
export { createUploadList, type UploadList } from './upload-list.ts';
export { createUploadSlot, type UploadSlot } from './upload-slot.ts';
