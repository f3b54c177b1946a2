/** The server of the README, for the clients in the recipes. */
import { createUploads, route } from 'waybill/server';
import { secret, storage } from './app.js';

export const uploads = createUploads({
  storage,
  secret,
  routes: { avatar: route({ limits: { maxBytes: 1000 }, authorize: () => ({ ownerId: 'anna' }) }) },
});
