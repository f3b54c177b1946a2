/**
 * Probes the storage at the first grant, so that a wrong bucket, key or host is noticed before a client has sent a
 * whole file. Grants do not wait for the probe. When it finds a fault, an event is emitted, and all grants of the next
 * seconds fail with that error.
 */
import { isWaybillError, type WaybillError } from '../../protocol/index.ts';
import { toWaybillError } from '../../s3/internal.ts';
import type { Config } from '../config.ts';
import type { Emit } from '../events.ts';
import { describe } from '../shared/describe.ts';

/** @throws {WaybillError} `storage_rejected` while the storage is known to be set up wrongly */
export type ProbeStorage = () => void;

const faultMs = 5000;

export function createStorageProbe(
  { storage, stagingPrefix, now }: Pick<Config, 'storage' | 'stagingPrefix' | 'now'>,
  emit: Emit | undefined,
): ProbeStorage {
  let isDone = false;
  let isProbing = false;
  let fault: { error: WaybillError; at: number } | undefined;

  async function probe(): Promise<void> {
    try {
      // A list request is sent and not a HEAD, because a HEAD response has no body: a missing bucket would look like a
      // missing object.
      await storage.list({ prefix: stagingPrefix, maxKeys: 1 });
      isDone = true;
    } catch (error) {
      const known = toWaybillError(error);
      if (!isWaybillError(known)) return;
      const { storageCode } = (known.details ?? {}) as { storageCode?: string };
      emit?.('storage.error', {
        ...(storageCode === undefined ? {} : { storageCode }),
        message: known.message,
        reason: describe(known.cause ?? known),
      });
      // AccessDenied is no fault: a policy may forbid listing and allow everything that uploads need.
      if (known.code !== 'storage_rejected' || storageCode === 'AccessDenied') isDone = true;
      else fault = { error: known, at: now() };
    } finally {
      isProbing = false;
    }
  }

  return () => {
    if (isDone) return;
    if (fault && now() - fault.at < faultMs) throw fault.error;
    if (isProbing) return;
    isProbing = true;
    void probe();
  };
}
