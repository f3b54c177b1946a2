/** Stands for your sign-in: proxy.ts gives each visitor a cookie. A real session is signed, or looked up. */
interface Cookies {
  get(name: string): { value: string } | undefined;
}

export function readSession(cookies: Cookies): { ownerId: string } | null {
  const visitor = cookies.get('visitor')?.value;
  return visitor ? { ownerId: visitor } : null;
}
