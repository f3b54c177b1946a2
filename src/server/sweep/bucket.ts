/** Compares every object outside of staging with the keys of uploads on record. Other apps may use the same bucket. */
import type { Storage } from '../../s3/index.ts';
import type { Deployment } from '../shared/deployment.ts';
import { mapLimited } from '../shared/map-limited.ts';
import type { Ledger, Orphan } from '../state/ledger.ts';
import { uploadIdHeader } from '../state/stored-object.ts';
import { ageOf, multipartsOf, pagesOf } from './listing.ts';
import type { Outcome, SweepOptions, Tally } from './report.ts';

export interface BucketSweep {
  storage: Storage;
  ledger: Pick<Ledger, 'keysInUse'>;
  stagingPrefix: string;
  deployment: Pick<Deployment, 'isOwn'>;
  storageNow: () => number;
  options: SweepOptions;
  tally: Tally;
}

const parallel = 8;
/** A file is recorded before it is stored, so a younger object may only seem to have no record. */
const objectMs = 60 * 60_000;
/** A copy in parts of the largest object takes less time. */
const partsMs = 24 * 60 * 60_000;

export async function sweepBucket(sweep: BucketSweep): Promise<void> {
  const { storage, ledger, stagingPrefix, options, tally, storageNow } = sweep;
  const { orphanPrefix = '', signal } = options;
  const isOld = (key: string, at: string, ms: number) =>
    !key.startsWith(stagingPrefix) && ageOf(at, storageNow()) >= ms;
  const settle = (lost: readonly Lost[]) =>
    mapLimited(lost, parallel, (one) => tally.count(() => settleOrphan(sweep, one), signal));

  for await (const page of pagesOf(storage, orphanPrefix, signal)) {
    const old = page.filter(({ key, lastModified }) => isOld(key, lastModified, objectMs));
    const used = await ledger.keysInUse(old.map(({ key }) => key));
    tally.report.looked += used.size;
    await settle(
      old
        .filter(({ key }) => !used.has(key))
        .map(({ key, size, lastModified }) => ({ key, kind: 'object', size, multipartId: null, since: lastModified })),
    );
  }
  for await (const page of multipartsOf(storage, orphanPrefix, signal))
    await settle(
      page
        .filter(({ key, initiated }) => isOld(key, initiated, partsMs))
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

async function settleOrphan(sweep: BucketSweep, lost: Lost): Promise<Outcome> {
  const { options, tally } = sweep;
  let removed = false;
  try {
    if (!options.deleteOrphans || !(await isOurs(sweep, lost))) return null;
    if (!options.dryRun) {
      await remove(sweep.storage, lost);
      removed = true;
    }
    return lost.multipartId === null ? 'deleted' : 'aborted';
  } finally {
    tally.orphan({ ...lost, removed });
  }
}

/**
 * Below a named prefix, every object except the files of other deployments. Elsewhere only files of this deployment.
 * The owner of parts cannot be read.
 */
async function isOurs({ storage, deployment, options }: BucketSweep, { key, kind }: Lost): Promise<boolean> {
  const named = (options.orphanPrefix ?? '') !== '';
  if (kind !== 'object') return named;
  const uploadId = (await storage.head(key))?.metadata[uploadIdHeader];
  return uploadId === undefined ? named : deployment.isOwn(uploadId);
}

async function remove(storage: Storage, { key, multipartId }: Lost): Promise<void> {
  if (multipartId === null) await storage.delete(key);
  else await storage.abortMultipart(key, multipartId);
}
