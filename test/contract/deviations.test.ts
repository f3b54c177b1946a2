/** Observes each row of Ceph's deviations on Ceph, and its absence on the devstore. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { capabilityPresets } from '../../src/s3/index.ts';
import { forEachStore } from '../support/stores.ts';
import { ceph16Deviations, targetOf } from './deviations.ts';

/** `equalParts` is a restriction, and AWS has ids of writes only in versioned buckets. */
const notDeviations = ['equalParts', 'writeIds'];

forEachStore(
  'deviations from AWS',
  (store) => {
    const deviates = store.name === 'ceph';

    it.each(ceph16Deviations)(
      deviates ? 'Ceph $description' : 'the devstore is not a store that $description',
      async ({ observe }) => {
        const target = targetOf(store, await store.sdk(), () => `deviations/${randomUUID()}`);
        expect(await observe(store, target)).toBe(deviates);
      },
    );
  },
  // The table describes one version of Ceph.
  { only: ['devstore', 'ceph'] },
);

it('ceph16Deviations declares every capability that Ceph lacks, and no other', () => {
  const { ceph16, devstore } = capabilityPresets;
  const lacking = Object.entries(ceph16)
    .filter(([name]) => !notDeviations.includes(name))
    .filter(([, value]) => value === false || (Array.isArray(value) && value.length === 0))
    .map(([name]) => name);
  const declared = ceph16Deviations.flatMap(({ capability }) => capability ?? []);
  expect([...declared].sort()).toEqual(lacking.sort());
  for (const name of declared) expect(ceph16[name], name).not.toEqual(devstore[name]);
});
