/**
 * A file that is edited while it is sent, in each browser engine. WebKit, and sometimes Firefox, leave such a request
 * open without an error, so the client notices when no byte was sent for `stallTimeoutMs`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MiB } from '../../src/protocol/index.ts';
import { forEachEngine } from '../support/engines.ts';
import { openUploadPage, prose, useUploadApp } from './upload-app.ts';

const stallTimeoutMs = 4000;

forEachEngine('a file that is edited while it is sent', { main: false }, ({ engine }) => {
  const app = useUploadApp();

  it.each([
    ['one PUT', 12 * MiB, 'of the same size', 0],
    ['one PUT', 12 * MiB, 'shorter', -2 * MiB],
    ['one PUT', 12 * MiB, 'longer', 2 * MiB],
    ['parts', 32 * MiB, 'of the same size', 0],
  ])(
    'upload() by %s of %i bytes fails without a retry when the file is then %s',
    async (transfer, size, _, difference) => {
      const page = await openUploadPage(engine(), app());
      await page.choose(size, 'edited.txt');
      const edited = prose(size + difference);
      // The checksum was declared before the first PUT. Of an upload in parts, the first part arrives unchanged.
      let before = transfer === 'parts' ? 1 : 0;
      let sentAfter = -1;
      app().devstore.setFaults({
        when({ method, key }) {
          if (method !== 'PUT' || key?.includes('/.waybill/')) return false;
          if (before-- === 0) writeFileSync(join(app().dir, 'edited.txt'), edited);
          if (before < 0) sentAfter++;
          return false;
        },
      });
      const { status, error } = await page.upload({ concurrency: 1, stallTimeoutMs });
      expect(status).toBe('failed');
      expect(error?.code).toMatch(/^source_(changed|unreadable)$/);
      expect(sentAfter).toBe(0);
      await page.close();
    },
  );
});
