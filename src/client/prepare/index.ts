/**
 * client/prepare: prepares files before they are sent: images are turned upright, scaled and freed of their metadata in
 * a worker. It wraps a client, so that pages that do not use it load none of it.
 */
export type { NamedUploads, UploadGroup, UploadGroupSnapshot } from './group-uploads.ts';
export { groupUploads } from './group-uploads.ts';
export { prepareImage } from './prepare-image.ts';
export type { PrepareThumbnail, ThumbnailOptions } from './prepare-thumbnail.ts';
export { prepareThumbnail } from './prepare-thumbnail.ts';
export type * from './types.ts';
export { withPrepare } from './with-prepare.ts';
