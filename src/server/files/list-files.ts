/** Lists the files of an owner: from the ledger, or without one by the prefix of the default keys of a route. */
import { WaybillError } from '../../protocol/index.ts';
import { findBrokenOwnerRule, uploadIdOfKey } from '../grants/keys.ts';
import { fileNameIn } from '../shared/disposition.ts';
import { mapLimited } from '../shared/map-limited.ts';
import { describeOwnedFile, describeRecord, type FileContext, findObject, needsLedger } from './find-file.ts';
import type { FilePage, ListOptions, OwnedFile } from './types.ts';

const parallel = 8;
const maxPageSize = 1000;

/**
 * @throws {WaybillError} `invalid_request`; without a ledger `config_invalid` where the keys do not contain the owner
 */
export async function listFiles(context: FileContext, options: ListOptions): Promise<FilePage> {
  const { ownerId, route, cursor, limit = 50 } = options;
  requireOwnerId(ownerId);
  requirePageSize(limit);
  const { ledger } = context.config;
  if (!ledger) return listObjects(context, options, limit);
  const { uploads, next } = await ledger.listFiles({
    ownerId,
    limit,
    ...(route === undefined ? {} : { route }),
    ...(typeof cursor === 'string' ? { after: cursor } : {}),
  });
  return { files: uploads.map(describeRecord), cursor: next };
}

export function requireOwnerId(ownerId: string): void {
  const rule = findBrokenOwnerRule(ownerId);
  if (rule) throw new WaybillError('invalid_request', `This \`ownerId\` cannot be used: ${rule}.`);
}

export function requirePageSize(limit: number): void {
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= maxPageSize) return;
  throw new WaybillError('invalid_request', '`limit` is a whole number from 1 to 1,000.');
}

/** Lists the objects of a route. They have no order by time, and each name needs a request to the storage. */
async function listObjects(context: FileContext, options: ListOptions, limit: number): Promise<FilePage> {
  const { ownerId, route, cursor } = options;
  const { storage, routes } = context.config;
  if (route === undefined) throw needsLedger('A list of all routes', 'Pass `route`.');
  if (routes.get(route)?.definition.key) throw needsLedger(`A list of the route "${route}", which has \`key\`,`);
  const prefix = `${route}/${ownerId}/`;
  const page = await storage.list({
    prefix,
    maxKeys: limit,
    ...(typeof cursor === 'string' ? { continuationToken: cursor } : {}),
  });
  const files = await mapLimited(page.objects, parallel, ({ key }) => describeKey(context, { route, ownerId, key }));
  return { files: files.filter((file) => file !== null), cursor: page.continuationToken ?? null };
}

async function describeKey(
  context: FileContext,
  of: { route: string; ownerId: string; key: string },
): Promise<OwnedFile | null> {
  const uploadId = uploadIdOfKey(of);
  if (uploadId === null) return null;
  const ref = { ...of, uploadId, fileName: '', contentType: '' };
  const info = await findObject(context.config, { ref, record: null });
  if (!info) return null;
  const named = { ...ref, fileName: fileNameIn(info.contentDisposition ?? '') ?? 'file' };
  return describeOwnedFile(context, { ref: named, record: null }, info);
}
