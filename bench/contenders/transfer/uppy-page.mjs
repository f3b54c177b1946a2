/** Uppy with the defaults of its documentation. The page is built with Uppy 6 and with Uppy 5. */
import AwsS3 from '@uppy/aws-s3';
import Uppy from '@uppy/core';
import { ready } from './go.mjs';

const ways = {
  /** https://uppy.io/docs/aws-s3: a function that asks the app's server to sign each request. */
  sign: {
    async signRequest(request) {
      const response = await fetch('/uppy/sign', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
      });
      return response.json();
    },
  },
  companion: { companionEndpoint: `${location.origin}/uppy/companion` },
  /** The same option in Uppy 5. */
  companion5: { endpoint: `${location.origin}/uppy/companion` },
};

ready(async (files, { way }) => {
  const uppy = new Uppy().use(AwsS3, ways[way]);
  uppy.addFiles(files.map((file) => ({ name: file.name, type: file.type, data: file })));
  const { successful, failed } = await uppy.upload();
  if (failed.length > 0) throw new Error(`Uppy: ${failed[0].error}`);
  return successful.length;
});
