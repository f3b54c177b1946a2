/** A part may arrive after the server was asked which parts are stored: the list may name it already. */
import { expect, it } from 'vitest';
import { compositeOf, createFakeParts, partSize } from '../../../test/support/fake-parts.ts';
import { createClientOn } from '../client.ts';
import type { Transport, Upload } from '../types.ts';

it('an upload continues after a pause when the list of stored parts names a part whose answer came later', async () => {
  const fake = createFakeParts();
  const bytes = Uint8Array.from({ length: 2 * partSize }, (_, index) => index);
  let attempts = 0;
  // The client asks for the list when the storage answers 404. Part 1 is in the storage by then.
  fake.atStorage = (partNumber) => (partNumber === 2 && attempts === 1 ? '404' : 'ok');
  let answerPart1 = () => {};
  const isPart1Answered = new Promise<void>((resolve) => {
    answerPart1 = resolve;
  });
  const transport: Transport = {
    async send(request) {
      const [, part] = /\/(\d)\?/.exec(request.method === 'PUT' ? request.url : '') ?? [];
      if (part === '2' && ++attempts === 2) {
        // The client has read the list.
        answerPart1();
        await expect.poll(() => upload.getSnapshot().loaded).toBe(partSize);
        upload.pause();
        throw new Error('The upload was paused.');
      }
      const answer = await fake.transport.send(request);
      if (part === '1') await isPart1Answered;
      return answer;
    },
  };
  const client = createClientOn({ endpoint: '/uploads', transport, random: () => 0, resumeStore: null });
  const upload: Upload = client.upload('files', new File([bytes], 'a.txt', { type: 'text/plain' }));
  const isPaused = () => upload.getSnapshot().status === 'paused';
  await new Promise<void>((resolve) => upload.subscribe(() => isPaused() && resolve()));
  upload.resume();
  const { file } = await upload.done;
  expect(file.checksum?.value).toBe(compositeOf(bytes));
});
