import { describe, expect, it } from 'vitest';
import { heads, table } from '../../test/support/content-heads.ts';
import { answerWell, createManualTransport, grantOf, routeInfo } from '../../test/support/manual-transport.ts';
import { checkContent } from './check-content.ts';
import { createClientOn } from './client.ts';

const look = (head: Uint8Array, contentType: string, fileName: string, contentTypes?: string[]) =>
  checkContent(
    { size: head.length, read: async (start, end) => new Uint8Array(head.subarray(start, end)) },
    { fileName, contentType },
    contentTypes ? { contentTypes } : {},
  );

describe('checkContent()', () => {
  const accepted = table.filter(([declared, , agree]) => agree && declared !== 'application/octet-stream');

  it.each(accepted)('gives no warning where the server accepts: %s over a %s head', async (declared, head) => {
    expect(await look(heads[head], declared, 'file', ['*/*', declared])).toBeNull();
  });

  it.each([
    ['image/jpeg', 'photo.jpg', 'webp', 'image/webp'],
    ['image/jpeg', 'photo.jpg', 'heic', 'image/heic'],
    ['', 'photo.jpg', 'png', 'image/png'],
    ['image/png', 'photo.png', 'html', 'text'],
    ['video/mp4', 'film.mp4', 'heic', 'image/heic'],
    ['application/pdf', 'page.pdf', 'zip', 'application/zip'],
    ['application/pdf', 'page.pdf', 'pdfAfterHtml', 'text'],
    ['text/plain', 'notes.txt', 'html', 'markup that a browser would run'],
    ['text/csv', 'table.csv', 'pdf', 'application/pdf'],
    ['audio/flac', 'song.flac', 'wav', 'audio/wav'],
  ] as const)('warns of "%s" for %s over a %s head', async (contentType, fileName, head, detected) => {
    const warning = await look(heads[head], contentType, fileName, ['*/*']);
    const admitted = await look(heads[head], contentType, fileName, [
      'image/*',
      'video/*',
      'audio/*',
      'text/*',
      'application/pdf',
    ]);
    expect(admitted).toMatchObject({ code: 'content_type_mismatch', details: { detected } });
    // Where the route accepts any bytes, a file without a declared type is stored as bytes.
    expect(warning === null).toBe(contentType === '');
  });

  it('gives no warning where only the server can decide, or will refuse the type', async () => {
    expect(await look(heads.text, 'video/mp2t', 'code.ts', ['*/*'])).toBeNull();
    expect(await look(heads.html, 'application/pdf', 'a.pdf', ['image/*'])).toBeNull();
    expect(await look(heads.html, 'image/*', 'image:1', ['image/*'])).toBeNull();
  });
});

describe('a client with checkContent', () => {
  const png = new Uint8Array(heads.png);

  it('sets the warning before anything is sent, and sends the file', async () => {
    const manual = createManualTransport();
    const client = createClientOn({
      endpoint: '/uploads',
      transport: manual.transport,
      resumeStore: null,
      checkContent,
    });
    const upload = client.upload('files', new File([png], 'photo.jpg', { type: 'image/jpeg' }));
    (await manual.next(/routes/)).answer(200, routeInfo);
    const granting = await manual.next(/POST/);
    expect(upload.getSnapshot().warning).toMatchObject({
      code: 'content_type_mismatch',
      details: { declared: 'image/jpeg', detected: 'image/png' },
    });
    granting.answer(200, { uploads: [grantOf()] });
    manual.serve(answerWell);
    await upload.done;
    expect(upload.getSnapshot().warning?.code).toBe('content_type_mismatch');
  });

  it('sets no warning for a correct file, or for one that cannot be read', async () => {
    const manual = createManualTransport();
    manual.serve(answerWell);
    const client = createClientOn({
      endpoint: '/uploads',
      transport: manual.transport,
      resumeStore: null,
      checkContent,
    });
    const right = client.upload('files', new File([png], 'photo.png', { type: 'image/png' }));
    await right.done;
    expect(right.getSnapshot().warning).toBeNull();
    const broken = createClientOn({
      endpoint: '/uploads',
      transport: manual.transport,
      resumeStore: null,
      checkContent: async () => {
        throw new Error('The chunk did not arrive.');
      },
    });
    const unseen = broken.upload('files', new File([png], 'photo.png', { type: 'image/png' }));
    await unseen.done;
    expect(unseen.getSnapshot().warning).toBeNull();
  });
});
