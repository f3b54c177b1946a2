/** One measured app server. `start(options)` of its module returns an `http.Server` that is ready to listen. */
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';

const { module, options } = JSON.parse(process.argv[2]);
const server = await (await import(module)).start(options);

/** Bytes received over one kind of socket, open and closed ones. */
function createMeter() {
  let closed = 0;
  const open = new Set();
  return {
    watch(socket) {
      open.add(socket);
      socket.once('close', () => {
        open.delete(socket);
        closed += socket.bytesRead;
      });
    },
    read: () => [...open].reduce((sum, socket) => sum + socket.bytesRead, closed),
  };
}
const fromClients = createMeter();
const fromStorage = createMeter();
server.on('connection', fromClients.watch);
subscribe('net.client.socket', ({ socket }) => fromStorage.watch(socket));
if (!server.listening) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

process.on('message', (message) => {
  if (message !== 'usage') return;
  const { user, system } = process.cpuUsage();
  process.send({
    cpuSeconds: (user + system) / 1e6,
    rss: process.memoryUsage.rss(),
    peakRss: process.resourceUsage().maxRSS * 1024,
    fromClients: fromClients.read(),
    fromStorage: fromStorage.read(),
  });
});
// The parent is gone, so this process ends itself.
process.on('disconnect', () => process.exit());
process.send({ port: server.address().port });
