/** Makes load from a core of its own: 16 connections, each with one request under way, no pipelining. */
import { importPeer } from '../peers/import.mjs';

const { default: autocannon } = await importPeer('autocannon');

process.on('message', async ({ url, body, seconds }) => {
  const result = await autocannon({
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    connections: 16,
    duration: seconds,
  });
  process.send({
    answers: result['2xx'],
    others: result.non2xx + result.errors + result.timeouts,
    seconds: result.duration,
    p99: result.latency.p99,
  });
});
process.on('disconnect', () => process.exit());
process.send('ready');
