/** What must be reached. A miss is a finding, not a failure: it is printed and the exit code stays 0. */

/** @returns {{ what: string, goal: string, got: number, met: boolean }} */
export const atLeast = (what, goal, got) => ({ what, goal: `>= ${goal}`, got: round(got), met: got >= goal });

/** @returns {{ what: string, goal: string, got: number, met: boolean }} */
export const atMost = (what, goal, got) => ({ what, goal: `<= ${goal}`, got: round(got), met: got <= goal });

/** Three significant digits: what a shared machine can honestly claim. */
export function round(value) {
  return value === 0 ? 0 : Number(value.toPrecision(Math.abs(value) >= 1000 ? 4 : 3));
}
