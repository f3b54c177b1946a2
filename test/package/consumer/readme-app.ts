/** What the README's server takes for granted: the app around it. */
interface User {
  id: string;
}

export async function session(cookie: string | undefined): Promise<User | null> {
  return cookie ? { id: cookie } : null;
}

export const db = { setAvatar: async (ownerId: string, key: string) => void [ownerId, key] };
