/** Loads what this module otherwise loads with the first request that needs it; see src/server/preload.ts. */
export async function preloadStorage(): Promise<void> {
  await import('fast-xml-parser');
  await import('./node-exchange.ts');
  await import('./check.ts');
}
