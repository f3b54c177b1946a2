/**
 * Checks storage and ledger at the end of a crash run: what clients were told, what is stored, what is recorded, the
 * quota.
 */
import type { Storage } from '../../src/s3/index.ts';
import type { Ledger, UploadRecord } from '../../src/server/index.ts';
import { type ConfirmedUpload, digest } from './clients.ts';

export interface CheckResult {
  /** One line for each violation. */
  violations: string[];
  /** Uploads announced more than once because the process, the lease or the database was lost inside the callback. */
  announcedAgain: string[];
  completed: number;
}

export async function checkResult(
  ledger: Ledger,
  storage: Storage,
  { confirmed, announced }: { confirmed: readonly ConfirmedUpload[]; announced: ReadonlyMap<string, number> },
): Promise<CheckResult> {
  const violations: string[] = [];
  const announcedAgain: string[] = [];
  const records = await listAllRecords(ledger);
  const completed = [...records.values()].filter(({ state }) => state === 'completed');

  for (const { uploadId, key, sha256, size } of confirmed) {
    const found = await storage.read(key, { maxBytes: 20_000_000 });
    if (!found?.bytes) violations.push(`${uploadId}: confirmed to the client but not stored`);
    else if (found.bytes.length !== size || digest(found.bytes) !== sha256)
      violations.push(`${uploadId}: other bytes are stored`);
    const state = records.get(uploadId)?.state;
    if (state !== 'completed') violations.push(`${uploadId}: confirmed to the client but ${state ?? 'not'} recorded`);
  }

  const keys = new Map(completed.map((record) => [record.key, record]));
  let objects = 0;
  let bytes = 0;
  for (let token: string | undefined; ; ) {
    const page = await storage.list({ prefix: '', ...(token === undefined ? {} : { continuationToken: token }) });
    for (const { key, size } of page.objects) {
      if (key.startsWith('incoming/')) {
        violations.push(
          `${key}: left in staging by an upload that is ${records.get(key.slice(9))?.state ?? 'unknown'}`,
        );
        continue;
      }
      objects += 1;
      bytes += size;
      if (!keys.has(key)) violations.push(`${key}: stored but not the key of a completed upload`);
    }
    token = page.continuationToken;
    if (token === undefined) break;
  }
  if (objects !== completed.length)
    violations.push(`${completed.length} uploads are completed, and ${objects} objects are stored`);
  for (const { key } of (await storage.listMultiparts({ prefix: '' })).uploads)
    violations.push(`${key}: parts are left in the storage`);

  for (const { uploadId, callback } of completed) {
    const times = announced.get(uploadId) ?? 0;
    if (times === 0) violations.push(`${uploadId}: completed but never announced`);
    else if (times > 1 + callback.interruptions)
      violations.push(`${uploadId}: announced ${times} times, with ${callback.interruptions} interruptions`);
    else if (times > 1) announcedAgain.push(uploadId);
  }
  for (const uploadId of announced.keys())
    if (records.get(uploadId)?.state !== 'completed')
      violations.push(`${uploadId}: announced but ${records.get(uploadId)?.state}`);

  const { owners } = await ledger.usageByOwner({ limit: 1000 });
  const sum = (field: 'storedBytes' | 'storedFiles' | 'pendingFiles') =>
    owners.reduce((total, owner) => total + owner[field], 0);
  if (sum('storedBytes') !== bytes)
    violations.push(`the quota counts ${sum('storedBytes')} bytes but ${bytes} are stored`);
  if (sum('storedFiles') !== objects)
    violations.push(`the quota counts ${sum('storedFiles')} files but ${objects} are stored`);
  const pending = [...records.values()].filter(({ state }) => state === 'granted' || state === 'completing').length;
  if (sum('pendingFiles') !== pending)
    violations.push(`the quota counts ${sum('pendingFiles')} pending files but ${pending} are pending`);
  for (const { uploadId, state } of records.values())
    if (state === 'completing' || state === 'granted') violations.push(`${uploadId}: still ${state}`);
  return { violations, announcedAgain, completed: completed.length };
}

async function listAllRecords(ledger: Ledger): Promise<Map<string, UploadRecord>> {
  const records = new Map<string, UploadRecord>();
  for (let after: string | undefined; ; ) {
    const page = await ledger.list({ limit: 1000, ...(after === undefined ? {} : { after }) });
    for (const record of page.uploads) records.set(record.uploadId, record);
    if (page.next === null) return records;
    after = page.next;
  }
}
