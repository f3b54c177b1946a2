/** What operators and Prometheus reach: metrics, health, and with `--admin` the operator's page. */
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { isTrustedHost } from '../dev/guard.ts';
import type { Metrics } from './metrics.ts';
import type { Readiness } from './readiness.ts';

export interface OpsServerOptions {
  metrics: Metrics;
  readiness: Readiness;
  admin: Hono | undefined;
  /** Names by which it may be called, besides its addresses and localhost. Lower case. */
  hostNames: readonly string[];
}

/** Every path has the guard of the host: a page whose name is bound to this machine must not read metrics either. */
export function createOpsServer({ metrics, readiness, admin, hostNames }: OpsServerOptions): Server {
  const app = new Hono();
  app.use(async (context, next) => {
    if (isTrustedHost(context.req.header('host'), hostNames)) return next();
    return context.text('This server answers to its addresses and to the names in WAYBILL_OPS_HOSTS only.', 421);
  });
  app.get('/healthz', (context) => context.json({ ok: true }));
  app.get('/readyz', async (context) => {
    const missing = await readiness.missing();
    return context.json({ ready: missing.length === 0, missing }, missing.length === 0 ? 200 : 503);
  });
  app.get('/metrics', async (context) => {
    const { contentType, text } = await metrics.read();
    return context.body(text, 200, { 'content-type': contentType, 'cache-control': 'no-store' });
  });
  if (admin) app.route('/', admin);
  return createAdaptorServer({ fetch: app.fetch }) as Server;
}
