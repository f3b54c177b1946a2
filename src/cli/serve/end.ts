/** The end in good order: nothing new is taken, and what was begun is finished. */
import { once } from 'node:events';
import type { Server } from 'node:http';

const checkMs = 100;

/** @returns false when connections had to be cut */
export async function endServer(server: Server, graceMs: number): Promise<boolean> {
  if (!server.listening) return true;
  const closed = once(server, 'close').then(() => true);
  server.close();
  // A connection that answers its last request stays open for the next: close it as soon as it is idle.
  const idle = setInterval(() => server.closeIdleConnections(), checkMs);
  server.closeIdleConnections();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), graceMs);
  });
  try {
    const inTime = await Promise.race([closed, late]);
    if (!inTime) server.closeAllConnections();
    await closed;
    return inTime;
  } finally {
    clearInterval(idle);
    clearTimeout(timer);
  }
}
