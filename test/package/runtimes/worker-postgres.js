// A Worker with a ledger in Postgres. A Worker can use a connection only in the request that opened it, so each request
// opens its own: https://developers.cloudflare.com/workers/runtime-apis/tcp-sockets/#considerations
import { toFetchHandler } from 'waybill/adapters/fetch';
import { postgresLedger } from 'waybill/ledger/postgres';
import { createApp } from './uploads.js';

export default {
  async fetch(request, env, context) {
    const ledger = await postgresLedger({ connectionString: env.DATABASE_URL, maxConnections: 4, migrate: false });
    const uploads = createApp(ledger);
    try {
      return await toFetchHandler(uploads)(request, env, context);
    } finally {
      context.waitUntil(uploads.idle().then(() => ledger.close()));
    }
  },
};
