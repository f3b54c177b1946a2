import { GiB } from '../../protocol/units.ts';

/** The most that one PUT carries and one CopyObject copies. https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html */
export const maxSingleBytes = 5 * GiB;
