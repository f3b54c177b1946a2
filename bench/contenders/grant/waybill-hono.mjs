import { onHono } from './on-hono.mjs';
import { createApp } from './waybill.mjs';

export function start(options) {
  const { fetch } = createApp(options);
  return onHono((context) => fetch(context.req.raw));
}
