import type { Handle, RequestEvent } from '@sveltejs/kit';
import { svelteKitEvent, toSvelteKitHandle } from 'waybill/adapters/sveltekit';
import { create } from './create.js';

export const uploads = create((request) => svelteKitEvent<RequestEvent>(request).cookies.get('user'));
export const handle: Handle = toSvelteKitHandle(uploads);
// @ts-expect-error these are no uploads
toSvelteKitHandle({ handle: 'nothing' });
