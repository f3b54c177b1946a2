/** The child of store.mjs. */
import { createDevstore } from 'waybill/devstore';

const { dir, account, bucket, cors } = JSON.parse(process.argv[2]);
const fresh = () => ({ preflights: 0, requests: 0, bytes: 0 });
let counts = fresh();

const store = await createDevstore({
  dir,
  credentials: [account],
  region: account.region,
  buckets: [bucket],
  ...(cors && { cors }),
  onRequest({ method, bytesIn }) {
    if (method === 'OPTIONS') counts.preflights++;
    else counts.requests++;
    counts.bytes += bytesIn;
  },
});
process.on('message', ({ what }) => {
  if (what === 'reset') counts = fresh();
  process.send(counts);
});
process.on('disconnect', () => process.exit());
process.send(await store.listen());
