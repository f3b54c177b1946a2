/** Compares each store's preset with the observed capabilities of the store. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { capabilityPresets, type StorageCapabilities } from '../../src/s3/index.ts';
import { forEachStore } from '../support/stores.ts';
import { everythingClaimed, probes } from './probe.ts';

forEachStore('capabilities', (store) => {
  const claimed = capabilityPresets[store.preset];

  it.each(Object.keys(probes) as (keyof StorageCapabilities)[])('%s is what the preset claims', async (name) => {
    const observed = await probes[name]({
      storage: store.storage({ capabilities: everythingClaimed }),
      bucket: store.bucket,
      sdk: await store.sdk(),
      uniqueKey: () => `probe/${randomUUID()}`,
    });
    // An external server may have more capabilities than its preset says, but not fewer. The other stores are known
    // exactly.
    if (store.name !== 'external') expect(observed).toEqual(claimed[name]);
    else if (Array.isArray(observed))
      expect(observed).toEqual(expect.arrayContaining([...(claimed[name] as string[])]));
    else if (name === 'equalParts' || name === 'unsignedAcls' ? observed : claimed[name])
      expect(observed).toBe(claimed[name]);
  });
});
