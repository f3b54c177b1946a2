// A Worker that keeps the state of uploads in the storage.
import { toFetchHandler } from 'waybill/adapters/fetch';
import { createApp } from './uploads.js';

const uploads = createApp();

export default {
  fetch: toFetchHandler(uploads),
  async scheduled() {
    await uploads.sweep({ graceSeconds: 0 });
  },
};
