/** Each store's preset against what the store was observed to do: neither more nor less. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { capabilityPresets, type StorageCapabilities } from '../../src/s3/index.ts';
import { forEachStore } from '../support/stores.ts';
import { everythingClaimed, probes } from './probe.ts';

forEachStore('capabilities', (store) => {
  const claimed = capabilityPresets[store.preset];

  it.each(Object.keys(probes) as (keyof StorageCapabilities)[])('%s is as claimed', async (name) => {
    const observed = await probes[name]({
      storage: store.storage({ capabilities: everythingClaimed }),
      bucket: store.bucket,
      sdk: await store.sdk(),
      uniqueKey: () => `probe/${randomUUID()}`,
    });
    // An unknown server may do more than its preset says; it may not do less. Those of our own runs are known exactly.
    if (store.name !== 'external') expect(observed).toEqual(claimed[name]);
    else if (Array.isArray(observed))
      expect(observed).toEqual(expect.arrayContaining([...(claimed[name] as string[])]));
    else if (name === 'equalParts' || name === 'unsignedAcls' ? observed : claimed[name])
      expect(observed).toBe(claimed[name]);
  });
});
