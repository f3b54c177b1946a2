/** What must hold at the end, and what may be counted against the dead. */
import type { Storage } from '../../src/s3/index.ts';
import type { Ledger, UploadRecord } from '../../src/server/index.ts';
import { digest, type Told } from './clients.ts';

export interface Verdict {
  /** Empty, or a promise was broken. */
  broken: string[];
  /** Announced again with the same id, because process, lease or database was lost inside the callback. */
  again: string[];
  completed: number;
}

export async function judge(
  ledger: Ledger,
  storage: Storage,
  { told, announced }: { told: readonly Told[]; announced: ReadonlyMap<string, number> },
): Promise<Verdict> {
  const broken: string[] = [];
  const again: string[] = [];
  const records = await everyRecord(ledger);
  const completed = [...records.values()].filter(({ state }) => state === 'completed');

  for (const { uploadId, key, sha256, size } of told) {
    const found = await storage.read(key, { maxBytes: 20_000_000 });
    if (!found?.bytes) broken.push(`${uploadId}: told complete, and not stored`);
    else if (found.bytes.length !== size || digest(found.bytes) !== sha256)
      broken.push(`${uploadId}: other bytes are stored`);
    const state = records.get(uploadId)?.state;
    if (state !== 'completed') broken.push(`${uploadId}: told complete, and ${state ?? 'not'} on record`);
  }

  const keys = new Map(completed.map((record) => [record.key, record]));
  let objects = 0;
  let bytes = 0;
  for (let token: string | undefined; ; ) {
    const page = await storage.list({ prefix: '', ...(token === undefined ? {} : { continuationToken: token }) });
    for (const { key, size } of page.objects) {
      if (key.startsWith('incoming/')) {
        broken.push(`${key}: left in staging, its upload ${records.get(key.slice(9))?.state ?? 'unknown'}`);
        continue;
      }
      objects += 1;
      bytes += size;
      if (!keys.has(key)) broken.push(`${key}: stored, and no completed upload has it`);
    }
    token = page.continuationToken;
    if (token === undefined) break;
  }
  if (objects !== completed.length)
    broken.push(`${completed.length} uploads are completed, and ${objects} objects stored`);
  for (const { key } of (await storage.listMultiparts({ prefix: '' })).uploads) broken.push(`${key}: parts are left`);

  for (const { uploadId, callback } of completed) {
    const times = announced.get(uploadId) ?? 0;
    if (times === 0) broken.push(`${uploadId}: completed, and never announced`);
    else if (times > 1 + callback.interruptions)
      broken.push(`${uploadId}: announced ${times} times, with ${callback.interruptions} interruptions`);
    else if (times > 1) again.push(uploadId);
  }
  for (const uploadId of announced.keys())
    if (records.get(uploadId)?.state !== 'completed')
      broken.push(`${uploadId}: announced, and ${records.get(uploadId)?.state}`);

  const { owners } = await ledger.usageByOwner({ limit: 1000 });
  const sum = (field: 'storedBytes' | 'storedFiles' | 'pendingFiles') =>
    owners.reduce((total, owner) => total + owner[field], 0);
  if (sum('storedBytes') !== bytes)
    broken.push(`the quota counts ${sum('storedBytes')} bytes, and ${bytes} are stored`);
  if (sum('storedFiles') !== objects)
    broken.push(`the quota counts ${sum('storedFiles')} files, and ${objects} are stored`);
  const pending = [...records.values()].filter(({ state }) => state === 'granted' || state === 'completing').length;
  if (sum('pendingFiles') !== pending)
    broken.push(`the quota counts ${sum('pendingFiles')} on their way, and ${pending} are`);
  for (const { uploadId, state } of records.values())
    if (state === 'completing' || state === 'granted') broken.push(`${uploadId}: still ${state}`);
  return { broken, again, completed: completed.length };
}

async function everyRecord(ledger: Ledger): Promise<Map<string, UploadRecord>> {
  const records = new Map<string, UploadRecord>();
  for (let after: string | undefined; ; ) {
    const page = await ledger.list({ limit: 1000, ...(after === undefined ? {} : { after }) });
    for (const record of page.uploads) records.set(record.uploadId, record);
    if (page.next === null) return records;
    after = page.next;
  }
}
