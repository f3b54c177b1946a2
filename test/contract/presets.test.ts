/** Every preset can start a route and complete an upload, on a devstore that is used with the preset. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SingleGrant } from '../../src/protocol/index.ts';
import { type CapabilityPreset, capabilityPresets } from '../../src/s3/index.ts';
import { route } from '../../src/server/index.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';
import { startWriteIds, type WriteIds } from '../support/write-ids.ts';

forEachStore(
  'presets',
  (store) => {
    let proxy: WriteIds;
    beforeAll(async () => {
      proxy = await startWriteIds(store.endpoint);
    });
    afterAll(() => proxy.close());

    it.each(Object.keys(capabilityPresets) as CapabilityPreset[])('%s can complete an upload', async (preset) => {
      const { writeIds, checksums, contentMd5 } = capabilityPresets[preset];
      const endpoint = writeIds ? proxy.endpoint : store.endpoint;
      const storage = store.storage({ endpoint, capabilities: preset });
      const integrity = checksums.includes('sha256') || contentMd5 ? 'checksum' : 'size-only';
      const authorize = () => ({ ownerId: 'anna' });
      const app = createTestApp(storage, { files: route({ limits: { maxBytes: 1000 }, authorize, integrity }) });
      const { checksum: _, ...bare } = app.declare(png);
      const declared = integrity === 'checksum' ? app.declare(png) : bare;
      const { json: granted } = await app.call('POST', '/uploads', { route: 'files', files: [declared] });
      const upload = granted.uploads?.[0] as SingleGrant;
      expect(await send(upload.request, png)).toBe(200);
      const { status, json } = await app.complete(upload.grant);
      expect([status, json.results?.[0]?.file.size]).toEqual([200, png.length]);
      const { file } = json.results?.[0] ?? {};
      expect(Buffer.from((await storage.read(file?.key ?? '', { maxBytes: 1000 }))?.bytes ?? '').equals(png)).toBe(
        true,
      );
    });
  },
  { only: ['devstore'] }, // Only the devstore supports what every preset needs.
);
