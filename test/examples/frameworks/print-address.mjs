/**
 * Loaded before a framework's server (`node --import`): prints the address of each listening server. The tests use port
 * 0, and some frameworks print that 0 instead of the port that the system has chosen.
 */
import { Server } from 'node:net';

const { listen } = Server.prototype;
Server.prototype.listen = function (...options) {
  this.once('listening', () => {
    const address = this.address();
    if (address && typeof address === 'object') console.log(`Listens on http://127.0.0.1:${address.port}`);
  });
  return listen.apply(this, options);
};
