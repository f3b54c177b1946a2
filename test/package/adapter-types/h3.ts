import { H3, type H3Event } from 'h3';
import { h3Event, toH3Handler } from 'waybill/adapters/h3';
import { create } from './create.js';

export const uploads = create((request) => h3Event<H3Event>(request).req.headers.get('x-user') ?? undefined);
new H3().use(toH3Handler(uploads));
// @ts-expect-error these are no uploads
toH3Handler({ handle: 'nothing' });
