import { createCookieSessionStorage } from 'react-router';

/** Stands for your sign-in: each visitor is a user with a signed cookie. */
const sessions = createCookieSessionStorage<{ userId: string }>({
  cookie: { name: 'session', httpOnly: true, sameSite: 'lax', secrets: [process.env.WAYBILL_SECRET ?? ''] },
});

export async function readSession(cookie: string | undefined): Promise<{ ownerId: string } | null> {
  const userId = (await sessions.getSession(cookie)).get('userId');
  return userId ? { ownerId: userId } : null;
}

/** @returns the value of Set-Cookie */
export async function startSession(): Promise<string> {
  const session = await sessions.getSession();
  session.set('userId', crypto.randomUUID());
  return sessions.commitSession(session);
}
