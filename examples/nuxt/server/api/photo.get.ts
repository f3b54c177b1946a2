import { findPhoto } from '../photos';

export default defineEventHandler((event) => findPhoto(event.context.userId) ?? null);
