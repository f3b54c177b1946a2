/** One app server that is measured. Its module exports `start(options)` and gives a listening-ready `http.Server`. */
import { once } from 'node:events';

const { module, options } = JSON.parse(process.argv[2]);
const server = await (await import(module)).start(options);

let received = 0;
const open = new Map();
server.on('connection', (socket) => {
  open.set(socket, true);
  socket.once('close', () => {
    open.delete(socket);
    received += socket.bytesRead;
  });
});
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
    received: [...open.keys()].reduce((sum, socket) => sum + socket.bytesRead, received),
  });
});
// Its parent is gone: nobody will stop it.
process.on('disconnect', () => process.exit());
process.send({ port: server.address().port });
