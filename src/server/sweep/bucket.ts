/**
 * Finds orphans: compares every object and every multipart upload outside of staging with the keys of the uploads on
 * record. Other apps may use the same bucket.
 */
import type { Storage } from '../../s3/index.ts';
import type { Deployment } from '../shared/deployment.ts';
import { mapLimited } from '../shared/map-limited.ts';
import type { Ledger, Orphan } from '../state/ledger.ts';
import { uploadIdHeader } from '../state/stored-object.ts';
import { ageOf, multipartsOf, pagesOf } from './listing.ts';
import type { Outcome, SweepOptions, SweepProgress } from './report.ts';

export interface BucketSweep {
  storage: Storage;
  ledger: Pick<Ledger, 'keysInUse'>;
  stagingPrefix: string;
  deployment: Pick<Deployment, 'isOwn'>;
  storageNow: () => number;
  options: SweepOptions;
  progress: SweepProgress;
}

const parallel = 8;
/** A file is recorded before it is stored, so an older object without a record has no upload. A younger one is left. */
const minObjectAgeMs = 60 * 60_000;
/** A younger multipart upload is not examined: it may be a copy in parts, which never takes this long. */
const minMultipartAgeMs = 24 * 60 * 60_000;

export async function sweepBucket(sweep: BucketSweep): Promise<void> {
  const { storage, ledger, stagingPrefix, options, progress, storageNow } = sweep;
  const { orphanPrefix = '', signal } = options;
  const isOld = (key: string, at: string, ms: number) =>
    !key.startsWith(stagingPrefix) && ageOf(at, storageNow()) >= ms;
  const handleAll = (lost: readonly Lost[]) =>
    mapLimited(lost, parallel, (one) => progress.runStep(() => handleOrphan(sweep, one), signal));

  for await (const page of pagesOf(storage, orphanPrefix, signal)) {
    const old = page.filter(({ key, lastModified }) => isOld(key, lastModified, minObjectAgeMs));
    const used = await ledger.keysInUse(old.map(({ key }) => key));
    progress.report.looked += used.size;
    await handleAll(
      old
        .filter(({ key }) => !used.has(key))
        .map(({ key, size, lastModified }) => ({ key, kind: 'object', size, multipartId: null, since: lastModified })),
    );
  }
  for await (const page of multipartsOf(storage, orphanPrefix, signal))
    await handleAll(
      page
        .filter(({ key, initiated }) => isOld(key, initiated, minMultipartAgeMs))
        .map(({ key, multipartId, initiated }) => ({
          key,
          kind: 'multipart',
          size: null,
          multipartId,
          since: initiated,
        })),
    );
}

type Lost = Omit<Orphan, 'removed'>;

async function handleOrphan(sweep: BucketSweep, lost: Lost): Promise<Outcome> {
  const { options, progress } = sweep;
  let removed = false;
  try {
    if (!options.deleteOrphans || !(await mayDelete(sweep, lost))) return null;
    if (!options.dryRun) {
      await remove(sweep.storage, lost);
      removed = true;
    }
    return lost.multipartId === null ? 'deleted' : 'aborted';
  } finally {
    progress.addOrphan({ ...lost, removed });
  }
}

/**
 * Whether the sweep may delete this orphan. Below a prefix that the operator named, it may delete everything except the
 * files of other deployments; elsewhere only files of this deployment. A multipart upload does not show which
 * deployment began it, so it is deleted only below a named prefix.
 */
async function mayDelete({ storage, deployment, options }: BucketSweep, { key, kind }: Lost): Promise<boolean> {
  const named = (options.orphanPrefix ?? '') !== '';
  if (kind !== 'object') return named;
  const uploadId = (await storage.head(key))?.metadata[uploadIdHeader];
  return uploadId === undefined ? named : deployment.isOwn(uploadId);
}

async function remove(storage: Storage, { key, multipartId }: Lost): Promise<void> {
  if (multipartId === null) await storage.delete(key);
  else await storage.abortMultipart(key, multipartId);
}
