/** Every cold process ends here: it shows what it made, so that nobody ends early, and what it took. */

/** @param {string} made a presigned URL; empty for bare Node */
export function finish(made) {
  process.stdout.write(JSON.stringify({ made, peakRss: process.resourceUsage().maxRSS * 1024 }));
}
