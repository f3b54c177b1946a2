/** The app that the server of the README assumes. */
interface User {
  ownerId: string;
}

export async function session(cookie: string | undefined): Promise<User | null> {
  return cookie ? { ownerId: cookie } : null;
}

export const db = { setAvatar: async (ownerId: string, url: string) => void [ownerId, url] };
