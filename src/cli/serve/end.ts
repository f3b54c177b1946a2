/** Stops a server: it accepts no new connections and finishes the running requests. */
import { once } from 'node:events';
import type { Server } from 'node:http';

const idleCheckMs = 100;

/** Waits for the work, at most this time. @returns whether the work has finished */
export async function finishesWithin(graceMs: number, work: Promise<unknown>): Promise<boolean> {
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

/** Stops the server within this time. @returns false when it had to close connections with running requests */
export async function endServer(server: Server, graceMs: number): Promise<boolean> {
  if (!server.listening) return true;
  const closed = once(server, 'close').then(() => true);
  server.close();
  // A keep-alive connection stays open after its last answer. Close it as soon as it is idle.
  const idle = setInterval(() => server.closeIdleConnections(), idleCheckMs);
  server.closeIdleConnections();
  try {
    const inTime = await finishesWithin(graceMs, closed);
    if (!inTime) server.closeAllConnections();
    await closed;
    return inTime;
  } finally {
    clearInterval(idle);
  }
}
