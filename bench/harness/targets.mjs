/** Targets of the suites. A missed target is printed, and the exit code stays 0. */

/** @returns {{ what: string, goal: string, got: number, met: boolean }} */
export const atLeast = (what, goal, got) => ({ what, goal: `>= ${goal}`, got: round(got), met: got >= goal });

/** @returns {{ what: string, goal: string, got: number, met: boolean }} */
export const atMost = (what, goal, got) => ({ what, goal: `<= ${goal}`, got: round(got), met: got <= goal });

/** Rounds to three significant digits, because measurements on a shared machine are not more precise. */
export function round(value) {
  return value === 0 ? 0 : Number(value.toPrecision(Math.abs(value) >= 1000 ? 4 : 3));
}
