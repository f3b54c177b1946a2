/** The server for operators and Prometheus: metrics, health, and with `--admin` the operator's page. */
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
  /** Host names to accept besides localhost and IP addresses, in lower case. */
  hostNames: readonly string[];
}

/** The Host header is checked for every path, so that DNS rebinding cannot expose the metrics either. */
export function createOpsServer({ metrics, readiness, admin, hostNames }: OpsServerOptions): Server {
  const app = new Hono();
  app.use(async (context, next) => {
    if (isTrustedHost(context.req.header('host'), hostNames)) return next();
    return context.text('This server accepts only its own addresses and the names in WAYBILL_OPS_HOSTS as Host.', 421);
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
