import { isS3Error } from '../../s3/index.ts';

export function isPreconditionFailed(error: unknown): boolean {
  return isS3Error(error) && error.status === 412;
}

export function isMissing(error: unknown): boolean {
  return isS3Error(error) && error.status === 404;
}
