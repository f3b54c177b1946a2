import { sequence } from '@sveltejs/kit/hooks';
import { toSvelteKitHandle } from 'waybill/adapters/sveltekit';
import { readSession } from '$lib/server/session';
import { uploads } from '$lib/server/uploads';

export const handle = sequence(readSession, toSvelteKitHandle(uploads));
