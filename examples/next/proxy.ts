import { type NextRequest, NextResponse } from 'next/server';

/** Runs before the page is rendered, where a cookie can still be set. */
export function proxy(request: NextRequest) {
  const response = NextResponse.next();
  if (!request.cookies.has('visitor'))
    response.cookies.set('visitor', crypto.randomUUID(), { httpOnly: true, sameSite: 'lax' });
  return response;
}

export const config = { matcher: '/' };
