/**
 * A link to somewhere far away, for connections of this machine: a round trip of latency, half of it each way, one more
 * round trip to set a connection up, and a ceiling on what each connection sends. It copies TCP and knows nothing of
 * HTTP.
 *
 * argv[2]: a list of `{ target, rttMs, bytesPerSecond }`; `bytesPerSecond` 0 is no ceiling. Sends the ports it listens
 * on.
 */
import { connect, createServer } from 'node:net';

/** Bytes that may wait here beyond what the wire itself holds: a router's queue. */
const queueBytes = 256 * 1024;

/** Pieces leave in order, each when it has crossed the wire. */
function createDirection(from, to, { delayMs, bytesPerSecond, openMs }) {
  const most = bytesPerSecond ? queueBytes + (bytesPerSecond * delayMs) / 1000 : 4 * 2 ** 20;
  const waiting = [];
  let head = 0;
  let queued = 0;
  let free = performance.now() + openMs;
  let timer;

  function arrive() {
    timer = undefined;
    const now = performance.now();
    while (head < waiting.length && waiting[head].at <= now + 0.5) {
      const { bytes } = waiting[head];
      waiting[head++] = undefined;
      if (bytes === null) to.end();
      else {
        queued -= bytes.length;
        to.write(bytes);
      }
    }
    if (head === waiting.length) {
      waiting.length = 0;
      head = 0;
    } else {
      timer = setTimeout(arrive, Math.max(0, waiting[head].at - now));
    }
    flow();
  }
  function flow() {
    const full = queued > most || to.writableLength > 2 ** 20;
    if (full && !from.isPaused()) from.pause();
    if (!full && from.isPaused()) from.resume();
  }
  function take(bytes) {
    free = Math.max(performance.now(), free) + (bytes && bytesPerSecond ? (bytes.length * 1000) / bytesPerSecond : 0);
    const at = free + delayMs;
    waiting.push({ at, bytes });
    if (bytes) queued += bytes.length;
    timer ??= setTimeout(arrive, at - performance.now());
    flow();
  }
  from.on('data', take);
  from.on('end', () => take(null));
  to.on('drain', flow);
  return () => clearTimeout(timer);
}

const options = JSON.parse(process.argv[2]);
const ports = await Promise.all(
  options.map(({ target, rttMs, bytesPerSecond }) => {
    const { hostname, port } = new URL(target);
    const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: 2 ** 17 }, (near) => {
      const far = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
      const stops = [
        createDirection(near, far, { delayMs: rttMs / 2, bytesPerSecond, openMs: rttMs }),
        createDirection(far, near, { delayMs: rttMs / 2, bytesPerSecond: 0, openMs: 0 }),
      ];
      const end = () => {
        for (const stop of stops) stop();
        near.destroy();
        far.destroy();
      };
      for (const socket of [near, far]) {
        socket.on('error', end);
        socket.on('close', end);
      }
    });
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
  }),
);
process.on('disconnect', () => process.exit());
process.send(ports);
