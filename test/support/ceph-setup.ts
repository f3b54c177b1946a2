/**
 * Vitest global set-up: starts one Ceph for all projects of a run and provides its endpoint to the test files.
 * `inject('ceph')` is null when Ceph is not installed, which is an error under CI. `WAYBILL_CEPH=off` (not under CI)
 * and `WAYBILL_STORES=devstore` leave Ceph out.
 */
import type { TestProject } from 'vitest/node';
import { type Ceph, type CephInfo, missingCephTools, startCeph } from './ceph.ts';

declare module 'vitest' {
  interface ProvidedContext {
    ceph: CephInfo | null;
  }
}

interface Shared {
  users: number;
  ceph: Promise<Ceph>;
}

/** Each project loads its own copy of this module, so the shared state is kept in a global. */
const registry = globalThis as { [key: symbol]: Shared | undefined };
const slot = Symbol.for('waybill.test.ceph');

export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (process.env.WAYBILL_STORES === 'devstore') {
    project.provide('ceph', null);
    return undefined;
  }
  const reason = reasonToSkip();
  if (reason) {
    if (process.env.CI) throw new Error(`${reason}; under CI the suites must run against Ceph`);
    console.warn(`\nSKIPPED: nothing runs against Ceph: ${reason}.\n`);
    project.provide('ceph', null);
    return undefined;
  }
  registry[slot] ??= { users: 0, ceph: startCeph() };
  const shared = registry[slot];
  shared.users++;
  const { endpoint, region, credentials, limited } = await shared.ceph;
  project.provide('ceph', { endpoint, region, credentials, limited });
  return async () => {
    if (--shared.users > 0) return;
    registry[slot] = undefined;
    await (await shared.ceph).stop();
  };
}

function reasonToSkip(): string | undefined {
  if (process.env.WAYBILL_CEPH === 'off') return 'WAYBILL_CEPH=off';
  const missing = missingCephTools();
  if (missing.length === 0) return undefined;
  return `${missing.join(', ')} not found (Debian: apt-get install ceph-mon ceph-osd radosgw)`;
}
