import type { S3StorageOptions } from '../../src/s3/index.ts';
import { route } from '../../src/server/index.ts';

export interface CrashConfig {
  /** The ledger's URL, in the format of WAYBILL_LEDGER. */
  ledger: string;
  storage: Pick<S3StorageOptions, 'bucket' | 'endpoint' | 'capabilities'> & {
    credentials: { accessKeyId: string; secretAccessKey: string };
  };
  secret: string;
  eventsSecret: string;
  /** URL that receives one POST for each call of `onComplete`. */
  announceUrl: string;
}

export function createRoutes(announce: (uploadId: string) => Promise<void>) {
  return {
    files: route({
      limits: { maxBytes: 20_000_000, maxFiles: 100 },
      authorize: ({ request }) => ({ ownerId: request.header('x-user') ?? 'anonymous' }),
      onComplete: async ({ uploadId }) => {
        await announce(uploadId);
        return { uploadId };
      },
    }),
  };
}
