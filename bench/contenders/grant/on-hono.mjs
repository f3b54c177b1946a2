/** Hono on its Node server, in the same version for every contender. */
import { importPeer } from '../../peers/import.mjs';

/** @param {(context: object) => Response | Promise<Response>} handler */
export async function onHono(handler) {
  const { Hono } = await importPeer('hono');
  const { createAdaptorServer } = await importPeer('@hono/node-server');
  const app = new Hono();
  app.post('/uploads', handler);
  return createAdaptorServer({ fetch: app.fetch });
}
