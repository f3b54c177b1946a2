import Koa from 'koa';
import { koaContext, toKoaHandler } from 'waybill/adapters/koa';
import { create } from './create.js';

export const uploads = create((request) => koaContext<Koa.Context>(request).get('x-user') || undefined);
new Koa().use(toKoaHandler(uploads));
// @ts-expect-error these are no uploads
toKoaHandler({ handle: 'nothing' });
