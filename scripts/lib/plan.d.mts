/** Whether `npm test` runs it. `/` between folders, from the root of the repository. */
export function isQuick(file: string): boolean;
/** Every test file, in two lists without overlap. */
export function testFiles(): { quick: string[]; rest: string[] };
/** What the lists name and the repository does not have. */
export function missingFiles(): string[];
