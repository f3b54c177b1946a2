/** memory: the cost of a large upload for the page (memory and thread), the client on Node, and the app's server. */
import { measureNodeClient } from '../contenders/node-client.mjs';
import { measurePage } from '../contenders/page-memory.mjs';
import { measureServer } from '../contenders/server-cost.mjs';

export const about =
  "Heap of Chromium's page and workers (JS objects and array buffers, the highest of samples) for 512 MiB and for 8 GiB to the bare store; `waybill up` of 4 GiB to the devstore beside `curl` over the same parts with the same checksums; the app server's CPU and memory for an upload of 10,000 parts.";
export const peers = [];

export async function run({ rounds, quick, note }) {
  const measured = [];
  for (const measure of [measurePage, measureNodeClient, measureServer])
    measured.push(await measure({ rounds: quick ? 1 : Math.min(rounds, 3), quick, note }));
  return { rows: measured.flatMap(({ rows }) => rows), targets: measured.flatMap(({ targets }) => targets) };
}
