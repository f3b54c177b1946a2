/** The table of Ceph's deviations, row by row, against Ceph and against the devstore, which has none. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { capabilityPresets } from '../../src/s3/index.ts';
import { forEachStore } from '../support/stores.ts';
import { ceph16Deviations, targetOf } from './deviations.ts';

/** `equalParts` is a restriction, and AWS writes ids only in versioned buckets, as the devstore does not. */
const notDeviations = ['equalParts', 'writeIds'];

forEachStore(
  'deviations from AWS',
  (store) => {
    const deviates = store.name === 'ceph';

    it.each(ceph16Deviations)(deviates ? '$what' : 'none of ours: $what', async ({ observe }) => {
      const target = targetOf(store, await store.sdk(), () => `deviations/${randomUUID()}`);
      expect(await observe(store, target)).toBe(deviates);
    });
  },
  // The table is about one version of one server; another's deviations would be another table.
  { only: ['devstore', 'ceph'] },
);

it('declares a deviation for every capability that Ceph lacks, and for no other', () => {
  const { ceph16, devstore } = capabilityPresets;
  const lacking = Object.entries(ceph16)
    .filter(([name]) => !notDeviations.includes(name))
    .filter(([, value]) => value === false || (Array.isArray(value) && value.length === 0))
    .map(([name]) => name);
  const declared = ceph16Deviations.flatMap(({ capability }) => capability ?? []);
  expect([...declared].sort()).toEqual(lacking.sort());
  for (const name of declared) expect(ceph16[name], name).not.toEqual(devstore[name]);
});
