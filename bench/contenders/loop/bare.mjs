/** A process that does nothing. Its stalls are caused by the machine. */
import { watchStalls } from '../../harness/stalls.mjs';

process.on('disconnect', () => process.exit());
process.send({ port: 0 });
watchStalls((longest) => process.send({ longest }));
