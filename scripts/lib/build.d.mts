/** False when the build failed; what went wrong has been printed. */
export function ensureBuilt(): Promise<boolean>;
