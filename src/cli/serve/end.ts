/** The end in good order: nothing new is taken, and what was begun is finished. */
import { once } from 'node:events';
import type { Server } from 'node:http';

const checkMs = 100;

/** @returns whether it ended in that time; what did not is left to the end of the process */
export async function within(graceMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), graceMs);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** @returns false when connections had to be cut */
export async function endServer(server: Server, graceMs: number): Promise<boolean> {
  if (!server.listening) return true;
  const closed = once(server, 'close').then(() => true);
  server.close();
  // A connection that answers its last request stays open for the next: close it as soon as it is idle.
  const idle = setInterval(() => server.closeIdleConnections(), checkMs);
  server.closeIdleConnections();
  try {
    const inTime = await within(graceMs, closed);
    if (!inTime) server.closeAllConnections();
    await closed;
    return inTime;
  } finally {
    clearInterval(idle);
  }
}
