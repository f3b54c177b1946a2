/** Counts the results of checks and suites, and prints the line that CI reads. */
export function createTally() {
  const failures = [];
  const skips = [];
  let passed = 0;
  let skipped = 0;

  return {
    /** Adds one check. Returns whether it passed. */
    check(name, ok) {
      if (ok) passed++;
      else failures.push(name);
      return ok;
    },
    /** Records that `count` tests did not run, and the reason. */
    skip(reason, count = 1) {
      skips.push(reason);
      skipped += count;
    },
    /** Adds the counts of a suite, with the names of tests that failed or were skipped. */
    add(counts) {
      passed += counts.passed;
      failures.push(...counts.failed);
      if (counts.skipped.length > 0) {
        skips.push(...counts.skipped);
        skipped += counts.skipped.length;
      }
    },
    failSkipped() {
      failures.push(...skips.map((reason) => `skipped under CI: ${reason}`));
    },
    /** Counts that another process can `add`. */
    counts() {
      return { passed, failed: failures, skipped: skips };
    },
    /** Prints the result and returns the exit code. It is a failure when nothing ran. */
    close() {
      if (passed === 0 && failures.length === 0) failures.push('No test ran.');
      if (skips.length > 0) console.log(`\nSKIPPED:\n${list(skips)}`);
      if (failures.length > 0) console.log(`\nFAILED:\n${list(failures)}`);
      console.log(`\n${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
      return failures.length > 0 ? 1 : 0;
    },
  };
}

function list(lines) {
  return lines.map((line) => `  - ${line}`).join('\n');
}
