import { randomFillSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandomPool } from '../shared/random-pool.ts';
import type { Claims } from '../state/claims.ts';
import { createGrants } from './grants.ts';

const random = createRandomPool({ now: () => 0 });
const oldSecret = 'the old secret of more than thirty-two characters';
const newSecret = 'the new secret of more than thirty-two characters';

const claims: Claims = {
  uploadId: '00112233445566778899aabbccddeeff',
  route: 'avatar',
  ownerId: 'user-1',
  key: 'avatar/user-1/00112233445566778899aabbccddeeff.png',
  fileName: 'Großes Foto.png',
  size: 12_345,
  partSize: null,
  contentType: 'image/png',
  checksum: { algorithm: 'sha256', value: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' },
  expiresAt: 1_800_000_000,
  metadata: { crop: 'square', of: [1, null, 'ä'] },
};

describe('grants', () => {
  const grants = createGrants({ secrets: [newSecret, oldSecret], random, audience: 'here' });

  it('open to the claims that were sealed', () => {
    const { grant, receipt } = grants.issue(claims);
    expect(grants.openGrant(grant)).toEqual({ claims, receipt, multipart: null });
    expect(grants.openReceipt(receipt)).toEqual({ claims, receipt });
    const bare = { ...claims, checksum: null, metadata: undefined, key: 'elsewhere/x' };
    expect(grants.openGrant(grants.issue(bare).grant)?.claims).toEqual(bare);
  });

  it('differ for equal claims and do not reveal them', () => {
    const [one, two] = [grants.issue(claims), grants.issue(claims)];
    expect(one.grant).not.toBe(two.grant);
    expect(Buffer.from(one.grant, 'base64url').toString('latin1')).not.toContain('avatar');
  });

  it('cannot be built from a receipt and a suffix', () => {
    const { grant, receipt } = grants.issue(claims);
    const other = grants.issue(claims).grant.slice(-22);
    expect(grants.openGrant(receipt)).toBeNull();
    expect(grants.openGrant(`${receipt}.${'A'.repeat(22)}`)).toBeNull();
    expect(grants.openGrant(`${receipt}.${other}`)).toBeNull();
    expect(grants.openReceipt(grant)).toBeNull();
  });

  it('open with each secret of the list and with no other secret', () => {
    const before = createGrants({ secrets: [oldSecret], random, audience: 'here' }).issue(claims);
    expect(grants.openGrant(before.grant)?.claims).toEqual(claims);
    const after = createGrants({ secrets: [newSecret], random, audience: 'here' });
    expect(after.openGrant(before.grant)).toBeNull();
    expect(after.openGrant(grants.issue(claims).grant)?.claims).toEqual(claims);
  });

  it('open in their own deployment and in no other', () => {
    const { grant, receipt } = grants.issue(claims);
    const elsewhere = createGrants({ secrets: [newSecret, oldSecret], random, audience: 'there' });
    expect([elsewhere.openGrant(grant), elsewhere.openReceipt(receipt)]).toEqual([null, null]);
  });

  it('are refused after any change (12,000 cases)', () => {
    const issued = Array.from({ length: 8 }, (_, index) => grants.issue({ ...claims, size: index }).grant);
    const known = new Set(issued);
    const one = fc.constantFrom(...issued);
    const index = fc.nat(issued[0]?.length ?? 0);
    const symbol = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \n\0é');
    const changed = fc.oneof(
      fc.tuple(one, index, symbol).map(([grant, at, by]) => grant.slice(0, at) + by + grant.slice(at + 1)),
      fc.tuple(one, index, symbol).map(([grant, at, by]) => grant.slice(0, at) + by + grant.slice(at)),
      fc.tuple(one, index).map(([grant, at]) => grant.slice(0, at)),
      fc.tuple(one, one, index).map(([a, b, at]) => a.slice(0, at) + b.slice(at)),
      fc.tuple(one, index, fc.nat(7)).map(([grant, at, bit]) => {
        const bytes = Buffer.from(grant, 'latin1');
        bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ (1 << bit);
        return bytes.toString('latin1');
      }),
      one.map((grant) => Buffer.from(grant, 'base64url').toString('base64')),
      fc.string({ maxLength: 400 }),
    );
    let altered = 0;
    fc.assert(
      fc.property(changed, (text) => {
        if (known.has(text)) return;
        altered += 1;
        expect(grants.openGrant(text)).toBeNull();
        expect(grants.openReceipt(text)?.claims.uploadId ?? null).toBe(
          issued.some((grant) => grant.slice(0, -23) === text) ? claims.uploadId : null,
        );
      }),
      { numRuns: 12_000 },
    );
    expect(altered).toBeGreaterThan(10_000);
  });
});

describe('the random pool', () => {
  it('never returns a byte twice, and returns only bytes that it generated', () => {
    let now = 0;
    let fills = 0;
    const take = createRandomPool({
      now: () => now,
      fill: (bytes) => {
        fills += 1;
        randomFillSync(bytes);
      },
    });
    const seen = new Set<string>();
    for (let index = 0; index < 2000; index += 1) seen.add(take(16).toString('hex'));
    expect(seen.size).toBe(2000);
    expect(fills).toBe(4);
    now = 1001;
    take(16);
    expect(fills).toBe(5);
  });
});

describe('grants of uploads in parts', () => {
  const grants = createGrants({ secrets: [newSecret, oldSecret], random, audience: 'here' });
  const byParts = { ...claims, checksum: null, partSize: 5 * 1024 ** 2 };
  const multipart = { multipartId: '2~abc/+=', expiresAt: 1_800_000_900 };
  const issue = (more: Partial<Claims> = {}) => {
    const all = { ...byParts, ...more };
    const { grant, receipt } = grants.issue(all);
    return { grant: grants.withMultipart(grant, all.uploadId, multipart), receipt, single: grant };
  };

  it('open to the claims that were sealed, for files and streams, and when they are opened again', () => {
    for (const size of [claims.size, null, 0]) {
      const { grant, receipt } = issue({ size });
      for (const _ of [1, 2])
        expect(grants.openGrant(grant)).toEqual({ claims: { ...byParts, size }, receipt, multipart });
      expect(grants.openReceipt(receipt)).toEqual({ claims: { ...byParts, size }, receipt });
    }
  });

  it('are renewed with the same claims', () => {
    const { grant, receipt } = issue();
    const later = { ...multipart, expiresAt: multipart.expiresAt + 900 };
    const renewed = grants.withMultipart(grant, claims.uploadId, later);
    expect(grants.openGrant(renewed)).toEqual({ claims: byParts, receipt, multipart: later });
    expect(renewed.split('.')).toHaveLength(3);
  });

  it('are refused without their last section, and other grants are refused with one', () => {
    const { grant, single } = issue();
    const end = grant.slice(single.length);
    expect(grants.openGrant(single)).toBeNull();
    expect(grants.openGrant(`${grants.issue(claims).grant}${end}`)).toBeNull();
    const other = issue({ uploadId: 'ffeeddccbbaa99887766554433221100' });
    expect(grants.openGrant(`${other.single}${end}`)).toBeNull();
  });

  it('open to a new object each time, because callbacks may change it', () => {
    const { grant } = issue();
    const metadata = grants.openGrant(grant)?.claims.metadata as { crop: string };
    metadata.crop = 'changed';
    expect(grants.openGrant(grant)?.claims.metadata).toEqual(claims.metadata);
  });

  it('open again after many other grants', () => {
    const { grant } = issue();
    for (let index = 0; index < 600; index += 1) expect(grants.openGrant(issue().grant)).not.toBeNull();
    expect(grants.openGrant(grant)?.multipart).toEqual(multipart);
  });
});
