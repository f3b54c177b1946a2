import type { Handle } from '@sveltejs/kit';

/** Stands for your sign-in: each visitor is a user, recognised by a cookie. A real session is signed, or looked up. */
export const readSession: Handle = ({ event, resolve }) => {
  event.locals.userId = event.cookies.get('visitor') ?? crypto.randomUUID();
  event.cookies.set('visitor', event.locals.userId, { path: '/', sameSite: 'lax' });
  return resolve(event);
};
