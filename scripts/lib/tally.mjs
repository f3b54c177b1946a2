/** Counts what ran, and closes with the line that CI reads. */
export function createTally() {
  const failures = [];
  const skips = [];
  let passed = 0;
  let skipped = 0;

  return {
    /** One check of its own. Returns whether it passed. */
    check(name, ok) {
      if (ok) passed++;
      else failures.push(name);
      return ok;
    },
    /** Something that did not run, and why. `count` tests, or one thing. */
    skip(reason, count = 1) {
      skips.push(reason);
      skipped += count;
    },
    /** From a suite: how many passed, and the names of the others. */
    add(counts) {
      passed += counts.passed;
      failures.push(...counts.failed);
      if (counts.skipped.length > 0) {
        skips.push(...counts.skipped);
        skipped += counts.skipped.length;
      }
    },
    failWhatWasSkipped() {
      failures.push(...skips.map((reason) => `skipped under CI: ${reason}`));
    },
    /** What another process can `add`. */
    counts() {
      return { passed, failed: failures, skipped: skips };
    },
    /** Prints all of it and returns the exit code. Nothing run is a failure as well. */
    close() {
      if (passed === 0 && failures.length === 0) failures.push('nothing ran');
      if (skips.length > 0) console.log(`\nSKIPPED, and so not tested:\n${list(skips)}`);
      if (failures.length > 0) console.log(`\nFAILED:\n${list(failures)}`);
      console.log(`\n${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
      return failures.length > 0 ? 1 : 0;
    },
  };
}

function list(lines) {
  return lines.map((line) => `  - ${line}`).join('\n');
}
