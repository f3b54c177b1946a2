/** The list of known gaps equals its table in docs/devstore.md, and a running store shows each row. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultSettings } from '../../src/devstore/bucket-settings.ts';
import { gaps, gapTable } from '../../src/devstore/gaps.ts';
import { unsupportedHeaders } from '../../src/devstore/object-headers.ts';
import { knownSubresources, operations } from '../../src/devstore/operations.ts';
import { startStore, type TestStore } from './devstore-signer.ts';

let store: TestStore;
beforeAll(async () => {
  store = await startStore({ buckets: ['gaps'] });
  await store.send('PUT', '/gaps/object', { body: 'x' });
});
afterAll(() => store.end());

describe('the list of gaps', () => {
  it('is the table of docs/devstore.md, row by row', async () => {
    const page = await readFile(new URL('../../docs/devstore.md', import.meta.url), 'utf8');
    const [, table] =
      /<!-- gaps: made from src\/devstore\/gaps.ts -->\n\n([\s\S]*?)\n\n<!-- end of gaps -->/.exec(page) ?? [];
    expect(gaps.length).toBeGreaterThan(10);
    expect(table, 'Replace the table with the expected text, which gapTable() makes.').toBe(gapTable());
  });

  it('names for each gap a page of AWS, or a public issue or recording', () => {
    for (const { what, source } of gaps)
      expect(source, what).toMatch(/^https:\/\/(docs\.aws\.amazon\.com\/AmazonS3\/|github\.com\/[\w-]+\/[\w-]+\/)/);
    expect(new Set(gaps.map(({ what }) => what)).size).toBe(gaps.length);
  });
});

describe('the list of gaps contains', () => {
  const probed = (on: 'bucket' | 'object') =>
    gaps
      .flatMap(({ probes }) => probes)
      .filter((probe) => (probe.on ?? 'object') === on)
      .flatMap(({ query = '' }) => [...new URLSearchParams(query).keys()]);

  it.each(['bucket', 'object'] as const)('each sub-resource of a %s that no operation implements', (on) => {
    const implemented = operations.filter((operation) => operation.on === on).flatMap(({ query }) => query);
    const unknown = [...knownSubresources[on]].filter((name) => !implemented.includes(name));
    expect(unknown.length).toBeGreaterThan(3);
    expect(unknown.filter((name) => !probed(on).includes(name))).toEqual([]);
  });

  it('each setting of a bucket that cannot be set', () => {
    const set = gaps.flatMap(({ probes }) => probes.filter(({ method }) => method === 'PUT')).map(({ query }) => query);
    const missing = Object.keys(defaultSettings).filter((name) => name !== 'policyStatus' && !set.includes(`${name}=`));
    expect(missing).toEqual([]);
  });

  it('each header that would change what an object means', () => {
    const sent = new Set(gaps.flatMap(({ probes }) => probes).flatMap(({ headers = {} }) => Object.keys(headers)));
    expect(unsupportedHeaders.length).toBeGreaterThan(3);
    expect(unsupportedHeaders.filter((name) => !sent.has(name))).toEqual([]);
  });
});

const probes = gaps.flatMap(({ what, probes }) => probes.map((probe) => ({ what, probe })));

describe('the store answers as the list of gaps says', () => {
  it('most rows have a probe', () => {
    expect(gaps.filter((gap) => gap.probes.length > 0).length).toBeGreaterThan(gaps.length / 2);
  });

  it.each(probes)('$what: $probe.method $probe.query $probe.headers', async ({ probe }) => {
    const { method, on = 'object', answer, ...sending } = probe;
    const { status, code } = await store.send(method, on === 'bucket' ? '/gaps' : '/gaps/object', sending);
    expect(code === undefined ? String(status) : `${status} ${code}`).toBe(answer);
  });
});
