/** How a ledger records the callbacks that run because an upload has ended, and the messages of an expiry. */
import { expect, it } from 'vitest';
import { forEachLedger } from '../support/ledgers.ts';
import { endedUpload, grantedUpload } from '../support/recorded-uploads.ts';

const error = { code: 'upload_rejected', message: 'No.', retryable: false } as const;
const rejected = { state: 'rejected', error, callback: { name: 'onReject' } } as const;

forEachLedger('callbacks in the ledger', (testLedger) => {
  async function open() {
    const clock = { now: 1_800_000_000_000 };
    return { clock, ledger: await testLedger.open({ now: () => clock.now }) };
  }

  it('the callback of an ended upload is taken by one process, and is gone after it returned', async () => {
    const { clock, ledger } = await open();
    const uploadId = await endedUpload(ledger, rejected);
    expect(await ledger.findDueEndCallbacks(10)).toMatchObject([
      { uploadId, pendingCallback: { name: 'onReject' }, error },
    ]);
    const taken = await Promise.all([ledger.takeEndCallback(uploadId, 1000), ledger.takeEndCallback(uploadId, 1000)]);
    const fences = taken.flatMap((record) => (record ? [record.fence] : []));
    expect(fences).toHaveLength(1);
    expect(await ledger.findDueEndCallbacks(10)).toEqual([]);
    clock.now += 900;
    expect(await ledger.keepEndCallback(uploadId, fences[0] as number, 1000)).toBe(true);
    clock.now += 900;
    expect(await ledger.takeEndCallback(uploadId, 1000)).toBeNull();
    await ledger.recordEndCallbackReturn(uploadId, fences[0] as number);
    clock.now += 10_000;
    expect(await ledger.findDueEndCallbacks(10)).toEqual([]);
    expect(await ledger.find(uploadId)).toMatchObject({ state: 'rejected', pendingCallback: null });
    expect(await ledger.counts()).toMatchObject({ waitingCallbacks: 0, parkedCallbacks: 0 });
  });

  it('a process that lost the callback records nothing', async () => {
    const { clock, ledger } = await open();
    const uploadId = await endedUpload(ledger, rejected);
    const first = await ledger.takeEndCallback(uploadId, 1000);
    clock.now += 1000;
    const second = await ledger.takeEndCallback(uploadId, 1000);
    expect(second?.callback).toMatchObject({ attempts: 2, interruptions: 1 });
    const lost = first?.fence ?? -1;
    await ledger.recordEndCallbackReturn(uploadId, lost);
    await ledger.recordEndCallbackFailure(uploadId, lost, 'late', null);
    expect(await ledger.keepEndCallback(uploadId, lost, 60_000)).toBe(false);
    expect(await ledger.find(uploadId)).toMatchObject({
      pendingCallback: { name: 'onReject' },
      callback: { lastError: null, parkedAt: null },
    });
  });

  it('recordEndCallbackFailure() schedules the callback again or parks it, and unpark() makes it due', async () => {
    const { clock, ledger } = await open();
    const uploadId = await endedUpload(ledger, rejected);
    const fail = async (retryInMs: number | null) => {
      const taken = await ledger.takeEndCallback(uploadId, 1000);
      await ledger.recordEndCallbackFailure(uploadId, taken?.fence ?? -1, 'down', retryInMs);
    };
    await fail(5000);
    expect(await ledger.findDueEndCallbacks(10)).toEqual([]);
    clock.now += 5000;
    await fail(null);
    clock.now += 1_000_000;
    expect(await ledger.findDueEndCallbacks(10)).toEqual([]);
    expect(await ledger.counts()).toMatchObject({ waitingCallbacks: 0, parkedCallbacks: 1 });
    expect((await ledger.list({ parked: true })).uploads).toMatchObject([
      { uploadId, callback: { lastError: 'down', attempts: 2, interruptions: 0 } },
    ]);
    // A parked callback does not keep the reservation from being given back.
    expect(await ledger.freeReservation(uploadId)).toBe(true);
    expect(await ledger.unpark(uploadId)).toBe(true);
    expect(await ledger.findDueEndCallbacks(10)).toMatchObject([{ uploadId }]);
    await ledger.recordEndCallbackReturn(uploadId, (await ledger.takeEndCallback(uploadId, 1000))?.fence ?? -1);
    expect(await ledger.unpark(uploadId)).toBe(false);
  });

  it('an expired upload that continues no longer has its callback, and expires again with one message', async () => {
    const { clock, ledger } = await open();
    const uploadId = await grantedUpload(ledger);
    const webhooks = [{ webhookId: `msg_${uploadId}_expired`, type: 'upload.expired', payload: '{}' }];
    const effects = { webhooks, callback: { name: 'onExpire' } } as const;
    expect(await ledger.expire(uploadId, effects)).toBe(false);
    expect((await ledger.listWebhooks()).webhooks).toEqual([]);
    clock.now += 100_000_000;
    expect(await ledger.expire(uploadId, effects)).toBe(true);
    const taken = await ledger.takeEndCallback(uploadId, 1000);
    const leased = await ledger.takeLease(uploadId, 1000);
    await ledger.recordEndCallbackFailure(uploadId, taken?.fence ?? -1, 'down', 0);
    expect(await ledger.find(uploadId)).toMatchObject({ state: 'completing', pendingCallback: null });
    const fence = leased && 'fence' in leased ? leased.fence : -1;
    expect(await ledger.end(uploadId, fence, { state: 'expired', ...effects })).toBe(true);
    expect(await ledger.findDueEndCallbacks(10)).toMatchObject([{ uploadId, pendingCallback: { name: 'onExpire' } }]);
    expect((await ledger.listWebhooks()).webhooks).toHaveLength(1);
  });

  it('delete() records the effects that it computes from the record', async () => {
    const { ledger } = await open();
    const key = 'files/alice/photo.png';
    const facts = { uploadId: 'u', route: 'files', key, fileName: 'photo.png', contentType: 'image/png', size: 1000 };
    const file = { ...facts, checksum: null, etag: '"e"', url: '/f', storedAt: '2026-01-01' };
    const uploadId = await endedUpload(ledger, { state: 'completed', file, data: null }, { key });
    const deletion = { reason: 'server', actor: 'an admin' } as const;
    await ledger.delete({ key }, (record) => {
      expect(record).toMatchObject({ uploadId, state: 'completed', file });
      return {
        webhooks: [{ webhookId: `msg_${record.uploadId}_deleted`, type: 'file.deleted', payload: '{}' }],
        callback: { name: 'onDelete', ...deletion },
      };
    });
    expect(await ledger.findDueEndCallbacks(10)).toMatchObject([{ uploadId, pendingCallback: deletion, file }]);
    expect((await ledger.takeWebhooks(10, 1000)).map(({ type }) => type)).toEqual(['file.deleted']);
    expect(await ledger.usage('alice')).toMatchObject({ storedFiles: 0, pendingFiles: 0 });
  });
});
