/** Whether `npm test` runs this file. The path is relative to the root, with `/` between folders. */
export function isQuick(file: string): boolean;
/** Every test file, in two lists without overlap: run by `npm test`, and run by `npm run test:all` only. */
export function testFiles(): { quick: string[]; rest: string[] };
/** The quick files that CI also runs on the other Node versions. */
export function otherNodeFiles(): string[];
/** The quick files that CI also runs on Ceph. */
export function cephFiles(): string[];
/** Names in the plan that are not files of the repository. */
export function missingFiles(): string[];
