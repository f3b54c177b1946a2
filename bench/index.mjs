/**
 * bench: what "fast" means here. A suite is a module with `about`, `peers` (packages whose versions are printed) and
 * `run({ rounds, turnMs, quick })`, which returns rows and targets; add it to this list and it exists.
 */
const names = ['presign', 'form', 'grant', 'cold', 'bundle', 'proxied'];

/** @type {ReadonlyMap<string, () => Promise<{ about: string, peers: string[], run: Function }>>} */
export const suites = new Map(names.map((name) => [name, () => import(`./suites/${name}.mjs`)]));
