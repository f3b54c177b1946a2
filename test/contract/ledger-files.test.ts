/** The files of an owner in both ledgers: pages, renames, the audit trail, and erasing an owner. */
import { expect, it } from 'vitest';
import type { StoredFile } from '../../src/protocol/index.ts';
import type { Ledger } from '../../src/server/index.ts';
import type { NewUpload } from '../../src/server/internal.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { endedUpload, grantedUpload, takeLease } from '../support/recorded-uploads.ts';

function fileOf(uploadId: string, fileName = 'photo.png'): StoredFile {
  const key = `files/${uploadId}.png`;
  const facts = { uploadId, route: 'files', key, fileName, size: 1000, contentType: 'image/png', checksum: null };
  return { ...facts, etag: '"e"', url: `/files/${fileName}`, storedAt: new Date(0).toISOString() };
}

async function addFile(ledger: Ledger, more: Partial<NewUpload> = {}): Promise<string> {
  const uploadId = await grantedUpload(ledger, more);
  const completed = { state: 'completed', file: fileOf(uploadId), data: null } as const;
  expect(await ledger.end(uploadId, await takeLease(ledger, uploadId), completed)).toBe(true);
  return uploadId;
}

forEachLedger('files in the ledger', (testLedger) => {
  it('listFiles() returns the stored files of one owner in pages without gaps or duplicates', async () => {
    const ledger = await testLedger.open();
    const added: string[] = [];
    for (let n = 0; n < 7; n += 1) added.push(await addFile(ledger, { route: n % 2 ? 'avatars' : 'files' }));
    await addFile(ledger, { ownerId: 'bob' });
    await grantedUpload(ledger);
    await ledger.delete({ uploadId: added[6] as string });
    const list = async (route?: string) => {
      const found: string[] = [];
      let after: string | null | undefined;
      do {
        const page = await ledger.listFiles({
          ownerId: 'alice',
          limit: 2,
          ...(route === undefined ? {} : { route }),
          ...(after ? { after } : {}),
        });
        expect(page.uploads.length).toBeLessThanOrEqual(2);
        found.push(...page.uploads.map(({ uploadId }) => uploadId));
        after = page.next;
      } while (after !== null);
      return found;
    };
    expect((await list()).sort()).toEqual(added.slice(0, 6).sort());
    expect((await list('avatars')).sort()).toEqual([added[1], added[3], added[5]].sort());
    expect(await list('none')).toEqual([]);
    await expect(ledger.listFiles({ ownerId: 'alice', after: 'no cursor' })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it('rename() changes the name of a stored file, and only while it has the expected name', async () => {
    const ledger = await testLedger.open();
    const uploadId = await addFile(ledger);
    const file = fileOf(uploadId, 'holiday.png');
    expect(await ledger.rename({ file, from: 'photo.png', actor: 'alice' })).toBe(true);
    expect(await ledger.find(uploadId)).toMatchObject({ fileName: 'holiday.png', file });
    expect(await ledger.rename({ file: fileOf(uploadId, 'other.png'), from: 'photo.png', actor: null })).toBe(false);
    const open = await grantedUpload(ledger);
    expect(await ledger.rename({ file: fileOf(open), from: 'photo.png', actor: null })).toBe(false);
    const { entries } = await ledger.audit({ uploadId });
    expect(entries.filter(({ action }) => action === 'renamed')).toMatchObject([
      { uploadId, ownerId: 'alice', actor: 'alice', details: { from: 'photo.png', to: 'holiday.png' } },
    ]);
  });

  it('eraseUploads() empties ended uploads, and eraseOwner() waits until none is left', async () => {
    const ledger = await testLedger.open();
    const stored = await addFile(ledger);
    const rejected = await endedUpload(ledger, {
      state: 'rejected',
      error: { code: 'checksum_mismatch', message: 'Other bytes arrived.', retryable: false },
      webhooks: [{ webhookId: 'msg_one', type: 'upload.rejected', payload: '{"fileName":"photo.png"}' }],
    });
    const others = await addFile(ledger, { ownerId: 'bob', key: 'files/bob.png' });
    expect(await ledger.eraseUploads('alice', [stored, rejected, others])).toBe(1);
    expect(await ledger.eraseOwner('alice', 'admin')).toBe(false);
    expect(await ledger.usage('alice')).toMatchObject({ storedFiles: 1, pendingFiles: 0 });
    await ledger.delete({ uploadId: stored });
    await ledger.eraseUploads('alice', [stored]);
    expect(await ledger.eraseOwner('alice', 'admin')).toBe(true);
    const texts = await Promise.all(
      ['waybill_uploads', 'waybill_webhooks', 'waybill_usage'].map((table) =>
        testLedger.query(`select * from ${table}`),
      ),
    );
    expect(JSON.stringify(texts)).not.toMatch(/alice|msg_one|Other bytes/);
    expect(await ledger.find(rejected)).toMatchObject({ state: 'rejected', isReserved: false, ownerId: '' });
    expect((await ledger.audit({ ownerId: 'alice' })).entries).toMatchObject([
      { action: 'forgotten', actor: 'admin', uploadId: null },
    ]);
    expect(await ledger.find(others)).toMatchObject({ state: 'completed', ownerId: 'bob' });
    expect(await ledger.usage('bob')).toMatchObject({ storedFiles: 1 });
  });

  it('forgetAudit() deletes only entries that are older, the oldest first', async () => {
    let now = 1_800_000_000_000;
    const ledger = await testLedger.open({ now: () => now });
    const uploadId = await addFile(ledger);
    const names = ['photo.png', 'a.png', 'b.png', 'c.png'];
    for (let n = 1; n < names.length; n += 1) {
      now += 1000;
      await ledger.rename({ file: fileOf(uploadId, names[n]), from: names[n - 1] as string, actor: null });
    }
    const renamed = async () =>
      (await ledger.audit({ uploadId })).entries.flatMap(({ action, details }) =>
        action === 'renamed' ? [details?.to] : [],
      );
    expect(await renamed()).toEqual(['c.png', 'b.png', 'a.png']);
    while ((await ledger.forgetAudit(1500, 1)) > 0);
    expect(await renamed()).toEqual(['c.png', 'b.png']);
  });
});
