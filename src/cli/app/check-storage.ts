/** Checks the storage when a server starts. */
import type { Uploads } from '../../server/index.ts';
import { environmentError } from '../cli-error.ts';
import type { Terminal } from '../terminal.ts';

/** Findings that may be temporary: the server starts, and is not ready until the storage answers. */
const temporaryCodes: ReadonlySet<string> = new Set(['ECONNREFUSED', 'timeout', 'storage_unavailable']);

/**
 * Prints each finding.
 *
 * @throws CliError when no upload can succeed until the operator corrects the configuration
 */
export async function checkStorage(uploads: Pick<Uploads, 'check'>, terminal: Pick<Terminal, 'err'>): Promise<void> {
  const { findings } = await uploads.check();
  for (const { severity, code, message, fix } of findings)
    terminal.err(`${severity === 'error' ? 'Storage error' : 'Storage warning'} (${code}): ${message} ${fix}`);
  const final = findings.find(({ severity, code }) => severity === 'error' && !temporaryCodes.has(code));
  if (final) throw environmentError(`The storage cannot be used: ${final.message}`, final.fix);
}
