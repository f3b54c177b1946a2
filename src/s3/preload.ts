/** Loads the files that this module otherwise loads on the first request that needs them. */
export async function preloadStorage(): Promise<void> {
  await import('fast-xml-parser');
  await import('./node-exchange.ts');
  await import('./check.ts');
}
