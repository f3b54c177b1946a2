import { type Context, Hono } from 'hono';
import { honoContext, toHonoHandler } from 'waybill/adapters/hono';
import { create } from './create.js';

type Env = { Variables: { user: string } };

export const uploads = create((request) => honoContext<Context<Env>>(request).get('user'));
new Hono<Env>().use(toHonoHandler(uploads));
// @ts-expect-error these are no uploads
toHonoHandler({ handle: 'nothing' });
