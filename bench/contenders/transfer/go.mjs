/** What every page has: `go(options)` uploads what was picked, and says how long that took by the page's own clock. */

/** @param {(files: File[], options: any) => Promise<number | { completed: number, startedAt: number }>} upload how many were completed */
export function ready(upload) {
  globalThis.go = async (options) => {
    const files = [...document.querySelector('input[type=file]').files];
    const start = performance.now();
    const result = await upload(files, options);
    const { completed, startedAt = start } = typeof result === 'number' ? { completed: result } : result;
    return { seconds: (performance.now() - startedAt) / 1000, completed };
  };
}
