/**
 * The main path in every browser engine: grant, form, PUT, parts, resume after a reload, refusal by CORS, display. Page,
 * server of the app and storage are three origins.
 */
import { expect, it } from 'vitest';
import { forEachEngine } from '../support/engines.ts';
import { openUploadPage, useUploadApp } from './upload-app.ts';

forEachEngine('the main path', { main: true }, ({ engine }) => {
  const app = useUploadApp();

  it('upload() stores a file by PUT', async () => {
    const page = await openUploadPage(engine(), app());
    const bytes = await page.choose(3_000_000, 'put.txt');
    const upload = await page.upload();
    expect(upload).toMatchObject({ status: 'done', error: null, transfer: 'put', loaded: bytes.length });
    await app().expectStored(upload, bytes);
    await page.close();
  });
});
