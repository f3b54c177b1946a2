import { GiB } from '../../protocol/index.ts';

/**
 * One PUT can send, and one CopyObject can copy, at most this many bytes.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html
 */
export const maxSingleBytes = 5 * GiB;
