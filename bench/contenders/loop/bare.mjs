/** A process that does nothing: the stalls that it sees are the machine's. */
import { watchStalls } from '../../harness/stalls.mjs';

process.on('disconnect', () => process.exit());
process.send({ port: 0 });
watchStalls((longest) => process.send({ longest }));
