/** The code counts as well as the status, because an error may come in the body of a response with status 200. */
import { isS3Error } from '../../s3/index.ts';

export function isPreconditionFailed(error: unknown): boolean {
  return isS3Error(error) && (error.status === 412 || error.code === 'PreconditionFailed');
}

export function isMissing(error: unknown): boolean {
  return isS3Error(error) && (error.status === 404 || error.code === 'NoSuchKey');
}
