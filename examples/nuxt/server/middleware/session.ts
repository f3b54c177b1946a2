declare module 'h3' {
  interface H3EventContext {
    userId: string;
  }
}

/** Stands for your sign-in: each visitor is a user, recognised by a cookie. A real session is signed, or looked up. */
export default defineEventHandler((event) => {
  event.context.userId = getCookie(event, 'visitor') ?? crypto.randomUUID();
  setCookie(event, 'visitor', event.context.userId, { httpOnly: true, sameSite: 'lax' });
});
