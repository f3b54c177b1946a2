/**
 * Every page has `go(options)`. It uploads the chosen files and returns how long that took by the clock of the page.
 */
import { watchGaps } from './gaps.mjs';

/**
 * @param {(files: File[], options: any) => Promise<number | { completed: number, startedAt: number }>} upload resolves
 * to the number of completed files
 */
export function ready(upload) {
  globalThis.go = async (options) => {
    const files = [...document.querySelector('input[type=file]').files];
    const gaps = options.gaps && watchGaps();
    const start = performance.now();
    const result = await upload(files, options);
    const { completed, startedAt = start } = typeof result === 'number' ? { completed: result } : result;
    const seconds = (performance.now() - startedAt) / 1000;
    return { seconds, completed, ...(gaps && { longestGapMs: gaps.stop() }) };
  };
}
