/**
 * The part planner: how a file is cut for S3's multipart upload. Pure, and the same for client and server.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 */
import { GiB, MiB } from './units.ts';

export interface PartLimits {
  /** Bytes; of every part but the last. */
  minPartBytes: number;
  /** Bytes. */
  maxPartBytes: number;
  maxParts: number;
}

export const s3PartLimits: Readonly<PartLimits> = { minPartBytes: 5 * MiB, maxPartBytes: 5 * GiB, maxParts: 10_000 };

/** The largest object that S3 stores: 50 TB, and 10,000 parts of 5 GiB are more than that. */
export const maxObjectBytes = 50 * 1000 ** 4;

export interface PartPlanOptions {
  /** Bytes; for a stream the most that it may have. */
  size: number;
  /** Parts that travel at once: the last round fills them all. @default 6 */
  connections?: number;
  /** What one connection was seen to move; unknown at first. */
  bytesPerSecond?: number | undefined;
  /** @default s3PartLimits */
  limits?: PartLimits;
}

export interface PartPlan {
  /** Bytes of every part but the last, which has 1 to `partSize`. */
  partSize: number;
  partCount: number;
}

/** A part of this size spends a few hundredths of its time on round trips, and is little to lose on a usual line. */
const usualPartBytes = 16 * MiB;
/** A file that went in one round would have all its parts end together, and an interruption before that loses all of it. */
const leastRounds = 2;
const secondsPerPart = 2;
const largestUsualPartBytes = 64 * MiB;

/**
 * Equal parts, as R2 demands, in whole rounds over all connections, so that none is idle while others finish.
 *
 * @throws RangeError when no plan fits the limits
 */
export function planParts(options: PartPlanOptions): PartPlan {
  const { size, connections = 6, bytesPerSecond, limits = s3PartLimits } = options;
  const { minPartBytes, maxPartBytes, maxParts } = limits;
  if (!Number.isSafeInteger(size) || size < 1) throw new RangeError('A file in parts has at least one byte.');
  const least = Math.max(minPartBytes, Math.ceil(size / maxParts));
  if (least > maxPartBytes) throw new RangeError('The file is too large for the storage.');
  const wished = bytesPerSecond
    ? Math.min(largestUsualPartBytes, Math.max(minPartBytes, bytesPerSecond * secondsPerPart))
    : usualPartBytes;
  const rounds = Math.max(bytesPerSecond ? 1 : leastRounds, Math.round(size / (connections * Math.max(wished, least))));
  const even = Math.ceil(size / Math.min(maxParts, connections * rounds));
  const partSize = Math.min(maxPartBytes, Math.max(least, even));
  return { partSize, partCount: Math.ceil(size / partSize) };
}

/** Whether a client's wish can be granted. */
export function isPartSize(partSize: number, size: number, limits: PartLimits = s3PartLimits): boolean {
  return (
    Number.isSafeInteger(partSize) &&
    partSize >= limits.minPartBytes &&
    partSize <= limits.maxPartBytes &&
    Math.ceil(size / partSize) <= limits.maxParts
  );
}

/** Bytes of one part; 0 for a number that is not in the plan. */
export function partBytes(size: number, partSize: number, partNumber: number): number {
  if (!Number.isSafeInteger(partNumber) || partNumber < 1) return 0;
  return Math.max(0, Math.min(partSize, size - (partNumber - 1) * partSize));
}
