/**
 * The part planner: divides a file into the parts of an S3 multipart upload. Client and server use the same functions.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 */
import { GiB, MiB } from './units.ts';

export interface PartLimits {
  /** The smallest part except the last one, in bytes. */
  minPartBytes: number;
  /** The largest part, in bytes. */
  maxPartBytes: number;
  maxParts: number;
}

export const s3PartLimits: Readonly<PartLimits> = { minPartBytes: 5 * MiB, maxPartBytes: 5 * GiB, maxParts: 10_000 };

/** The largest object that S3 stores: 50 TB. 10,000 parts of 5 GiB would be more. */
export const maxObjectBytes = 50 * 1000 ** 4;

export interface PartPlanOptions {
  /** In bytes; for a stream the largest allowed size. */
  size: number;
  /** How many parts are sent at the same time. @default 6 */
  connections?: number;
  /** The measured speed of one connection; undefined before anything was sent. */
  bytesPerSecond?: number | undefined;
  /** @default s3PartLimits */
  limits?: PartLimits;
}

export interface PartPlan {
  /** Bytes of every part except the last one, which has 1 to `partSize`. */
  partSize: number;
  partCount: number;
}

/**
 * Large enough that round trips take a few percent of the time, small enough that losing a part on a usual line is
 * cheap.
 */
const usualPartBytes = 16 * MiB;
/** In a single round all parts would end at the same time, and an interruption before that would lose all of them. */
const minRounds = 2;
const secondsPerPart = 2;
const maxUsualPartBytes = 64 * MiB;

/**
 * Plans parts of equal size, which R2 requires, in whole rounds over all connections, so that no connection is idle at
 * the end.
 *
 * @throws RangeError when no plan fits the limits
 */
export function planParts(options: PartPlanOptions): PartPlan {
  const { size, connections = 6, bytesPerSecond, limits = s3PartLimits } = options;
  const { minPartBytes, maxPartBytes, maxParts } = limits;
  if (!Number.isSafeInteger(size) || size < 1) throw new RangeError('A file in parts must have at least one byte.');
  const least = Math.max(minPartBytes, Math.ceil(size / maxParts));
  if (least > maxPartBytes) throw new RangeError('The file is too large for the storage.');
  const preferred = bytesPerSecond
    ? Math.min(maxUsualPartBytes, Math.max(minPartBytes, bytesPerSecond * secondsPerPart))
    : usualPartBytes;
  const rounds = Math.max(
    bytesPerSecond ? 1 : minRounds,
    Math.round(size / (connections * Math.max(preferred, least))),
  );
  const even = Math.ceil(size / Math.min(maxParts, connections * rounds));
  const partSize = Math.min(maxPartBytes, Math.max(least, even));
  return { partSize, partCount: Math.ceil(size / partSize) };
}

/** Whether a file of this size can be sent in parts of the size that a client asks for. */
export function isPartSize(partSize: number, size: number, limits: PartLimits = s3PartLimits): boolean {
  return (
    Number.isSafeInteger(partSize) &&
    partSize >= limits.minPartBytes &&
    partSize <= limits.maxPartBytes &&
    Math.ceil(size / partSize) <= limits.maxParts
  );
}

/** @returns the bytes of one part; 0 for a number that is not in the plan */
export function partBytes(size: number, partSize: number, partNumber: number): number {
  if (!Number.isSafeInteger(partNumber) || partNumber < 1) return 0;
  return Math.max(0, Math.min(partSize, size - (partNumber - 1) * partSize));
}
