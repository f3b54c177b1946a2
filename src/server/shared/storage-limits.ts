import { GiB } from '../../protocol/index.ts';

/**
 * The most bytes that one PUT sends and one CopyObject copies.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html
 */
export const maxSingleBytes = 5 * GiB;
