import { uploadFiles } from '@better-upload/client';
import { ready } from './go.mjs';

/** `partSize` was chosen for this file and six connections. */
ready(async (files, { route, partSize }) => {
  const metadata = partSize ? { partSize } : {};
  const result = await uploadFiles({ api: '/better', route, files, metadata });
  if (result.failedFiles.length > 0) throw new Error(`better-upload: ${result.failedFiles[0].error.message}`);
  return result.files.length;
});
