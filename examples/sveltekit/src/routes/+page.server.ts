import { findPhoto } from '$lib/server/photos';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = ({ locals }) => ({ photo: findPhoto(locals.userId) });
