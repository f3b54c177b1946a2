/**
 * The modules that otherwise load with the first request that needs them, so that a cold start is short. A server that
 * runs for long loads them before it accepts requests: Node remembers a module whose file it could not open (no file
 * descriptors left) as broken until the process ends. A test compares this list with the dynamic imports of the
 * sources. https://nodejs.org/api/esm.html#import-expressions
 */
import { preloadStorage } from '../s3/internal.ts';

export async function preloadServer(): Promise<void> {
  await preloadStorage();
  // One after the other: all at once they would need as many file descriptors as there are files.
  await import('./state/create-upload-states.ts');
  await import('./grants/multipart.ts');
  await import('./completion/service.ts');
  await import('./http/deferred-operations.ts');
  await import('./views/views.ts');
  await import('./grants/grant-with-ledger.ts');
  await import('./storage-events/index.ts');
  await import('./files/index.ts');
  await import('./sweep/index.ts');
  await import('./webhooks/deliver.ts');
  await import('file-type');
  await import('standardwebhooks');
}
