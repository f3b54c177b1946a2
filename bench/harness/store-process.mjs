/** The child of store.mjs. */
import { createDevstore } from 'waybill/devstore';

const { dir, account, bucket } = JSON.parse(process.argv[2]);
const store = await createDevstore({ dir, credentials: [account], region: account.region, buckets: [bucket] });
process.send(await store.listen());
