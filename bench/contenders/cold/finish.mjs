/**
 * Ends every cold process. It reports the presigned URL, so that no process can end early, and the peak of its memory.
 */

/** @param {string} made a presigned URL; empty for bare Node */
export function finish(made) {
  process.stdout.write(JSON.stringify({ made, peakRss: process.resourceUsage().maxRSS * 1024 }));
}
