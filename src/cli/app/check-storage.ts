/** What a server says of its storage when it starts. */
import type { Uploads } from '../../server/index.ts';
import { environmentError } from '../cli-error.ts';
import type { Terminal } from '../terminal.ts';

/** May be over in a moment: the server starts, and is not ready until the storage answers. */
const passing: ReadonlySet<string> = new Set(['ECONNREFUSED', 'timeout', 'storage_unavailable']);

/**
 * Prints each finding.
 *
 * @throws CliError when a change of the set-up is needed before any upload can succeed
 */
export async function checkStorage(uploads: Pick<Uploads, 'check'>, terminal: Pick<Terminal, 'err'>): Promise<void> {
  const { findings } = await uploads.check();
  for (const { severity, code, message, fix } of findings)
    terminal.err(`${severity === 'error' ? 'Storage error' : 'Storage warning'} (${code}): ${message} ${fix}`);
  const final = findings.find(({ severity, code }) => severity === 'error' && !passing.has(code));
  if (final) throw environmentError(`The storage cannot be used: ${final.message}`, final.fix);
}
