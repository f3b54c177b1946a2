/** The manifest of an owner's files, with a request that downloads each of them. */
import { WaybillError } from '../../protocol/index.ts';
import { contentDisposition } from '../shared/disposition.ts';
import { describeRecord, type FileContext, needsLedger } from './find-file.ts';
import { requireOwnerId, requirePageSize } from './list-files.ts';
import type { ExportOptions, OwnerExport } from './types.ts';

const maxSeconds = 604_800;

/** @throws {WaybillError} `config_invalid` without a ledger, `invalid_request` for an invalid argument */
export async function exportOwner(
  { config }: FileContext,
  ownerId: string,
  { cursor, limit = 100, expiresInSeconds = 3600 }: ExportOptions = {},
): Promise<OwnerExport> {
  const { storage, ledger, now } = config;
  if (!ledger) throw needsLedger('`exportOwner()`');
  requireOwnerId(ownerId);
  requirePageSize(limit);
  if (!Number.isSafeInteger(expiresInSeconds) || expiresInSeconds < 1 || expiresInSeconds > maxSeconds)
    throw new WaybillError('invalid_request', '`expiresInSeconds` is a whole number from 1 to 604,800 (7 days).');
  const { uploads, next } = await ledger.listFiles({
    ownerId,
    limit,
    ...(typeof cursor === 'string' ? { after: cursor } : {}),
  });
  const waiting = storage.ready();
  if (waiting) await waiting;
  return {
    ownerId,
    exportedAt: new Date(now()).toISOString(),
    files: uploads.map((record) => ({
      ...describeRecord(record),
      data: record.data,
      download: storage.presignGet({
        key: record.key,
        expiresInSeconds,
        contentDisposition: contentDisposition('attachment', record.fileName),
      }),
    })),
    cursor: next,
  };
}
