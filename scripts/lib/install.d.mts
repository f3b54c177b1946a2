/** Ends the process with 1 when npm failed. */
export function ensureInstalled(): Promise<void>;
/** The same for a folder of the repository that has a lockfile of its own. */
export function ensureFolderInstalled(folder: string, what: string): Promise<void>;
