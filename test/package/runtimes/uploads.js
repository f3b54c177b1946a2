// The uploads of every runtime. Its settings are environment variables, which Workers have in `process.env` as well.
import { envCredentials, s3Storage } from 'waybill/s3';
import { createUploads, route } from 'waybill/server';

const env = process.env;

/** `APP_URL`, where it is set, is told when the callback starts and ends, and can hold it. */
async function announce(event, fileName) {
  if (env.APP_URL) await (await fetch(`${env.APP_URL}/${event}/${fileName}`)).text();
}

export function createApp(ledger) {
  return createUploads({
    storage: s3Storage({
      bucket: 'uploads',
      endpoint: env.S3_ENDPOINT ?? 'http://127.0.0.1:1',
      credentials: envCredentials(env),
      capabilities: 'devstore',
      ...(env.STORAGE_BY === 'fetch' ? { fetch } : {}),
    }),
    secret: () => env.WAYBILL_SECRET ?? '',
    upkeep: { secret: () => env.CRON_SECRET ?? '' },
    completionWaitSeconds: Number(env.WAIT_SECONDS ?? 20),
    ...(ledger ? { ledger } : {}),
    routes: {
      files: route({
        limits: { maxBytes: 64_000_000 },
        authorize: ({ request }) => {
          const ownerId = request.header('x-user');
          return ownerId ? { ownerId } : null;
        },
        async onComplete({ file }) {
          await announce('started', file.fileName);
          await announce('ended', file.fileName);
          return { size: file.size };
        },
      }),
    },
  });
}
