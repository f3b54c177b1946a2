/** `waybill sweep`: runs one sweep, which ends the uploads that were abandoned by their clients. */
import { isWaybillError } from '../protocol/index.ts';
import type { SweepOptions, SweepReport } from '../server/index.ts';
import { openApp } from './app/open-app.ts';
import { CliError, environmentError, exitCodes } from './cli-error.ts';
import type { CommandSpec } from './command.ts';
import { printable } from './terminal.ts';

export const sweepCommand: CommandSpec = {
  name: 'sweep',
  summary: 'End unfinished uploads and delete what they left',
  description: [
    'Completes uploads whose bytes have arrived, runs failed callbacks again, expires',
    'abandoned uploads, frees their parts and deletes staged objects that are no',
    'longer needed. `waybill serve` sweeps by itself; use this command with a server',
    'of your own, or to look. It reads the same configuration and environment as',
    '`waybill serve`.',
  ].join('\n'),
  options: [
    {
      name: 'config',
      short: 'c',
      value: 'FILE',
      summary: 'File with the routes: .js, .json, or .ts on Node 22.18 or newer',
      fallback: 'uploads.js',
    },
    { name: 'dry-run', short: 'n', summary: 'Report what would be done, and change nothing' },
    { name: 'grace', value: 'SECONDS', summary: 'Ignore uploads that are younger than this', fallback: '300' },
    { name: 'orphans', summary: 'Also report objects in the bucket that belong to no upload' },
    { name: 'orphan-prefix', value: 'PREFIX', summary: 'Look for orphans only below this prefix' },
    { name: 'delete-orphans', summary: 'Delete orphans that have the mark of an upload; below --orphan-prefix all' },
    { name: 'json', summary: 'Print the report as JSON' },
  ],
  examples: [
    ['waybill sweep --dry-run', 'reports what would happen'],
    ['waybill sweep --orphans --json', 'reports for a script'],
    ['waybill sweep --delete-orphans --dry-run', 'reports first: files from before the ledger count as orphans'],
  ],
  exits: [
    [exitCodes.done, 'done'],
    [exitCodes.failed, 'an upload could not be ended; the next sweep tries again'],
    [exitCodes.usage, 'the command line or the configuration is wrong'],
    [exitCodes.environment, 'the storage or the ledger does not answer'],
  ],
  async run(input, terminal) {
    const options: SweepOptions = {
      dryRun: input.has('dry-run'),
      orphans: input.has('orphans'),
      deleteOrphans: input.has('delete-orphans'),
    };
    const prefix = input.option('orphan-prefix');
    if (prefix !== undefined) options.orphanPrefix = prefix;
    const grace = input.option('grace');
    if (grace !== undefined) {
      if (!/^\d{1,9}$/.test(grace)) throw new CliError(`--grace must be a whole number of seconds, not "${grace}".`);
      options.graceSeconds = Number(grace);
    }
    const failures: string[] = [];
    const app = await openApp(
      {
        config: input.option('config') ?? 'uploads.js',
        onEvent: (event) => {
          if (event.type === 'sweep.failed') failures.push(event.reason);
        },
      },
      terminal,
    );
    let report: SweepReport;
    try {
      report = await app.uploads.sweep(options);
    } catch (error) {
      if (isWaybillError(error) && error.code === 'config_invalid') throw new CliError(error.message);
      if (isWaybillError(error)) throw environmentError(`The sweep stopped: ${error.message}`);
      throw error;
    } finally {
      await app.close();
    }
    for (const failure of failures.slice(0, 20)) terminal.err(printable(failure.split('\n', 1)[0] as string));
    terminal.out(input.has('json') ? JSON.stringify(report) : formatReport(report));
    return report.failed > 0 ? exitCodes.failed : exitCodes.done;
  },
};

function formatReport(report: SweepReport): string {
  const would = report.dryRun ? 'would be ' : '';
  const rows: [number, string][] = [
    [report.completed, `${would}completed: the bytes had arrived`],
    [report.rejected, 'rejected: the bytes are not what was granted'],
    [report.callbacksFailed, 'callbacks failed again'],
    [report.expired, `${would}expired: nothing arrived`],
    [report.aborted, `multipart uploads ${would}aborted at the storage`],
    [report.deleted, `staged objects ${would}deleted`],
    [report.forgotten, 'old records deleted'],
    [report.orphans.length, 'orphans: they belong to no upload'],
    [report.failed, 'could not be ended'],
  ];
  const lines = rows.filter(([count]) => count > 0).map(([count, what]) => `${String(count).padStart(7)}  ${what}`);
  const orphans = report.orphans
    .slice(0, 50)
    .map(
      ({ key, kind, size, removed }) =>
        `           ${printable(key)} (${kind === 'object' ? `${size} bytes` : 'parts'}${removed ? ', deleted' : ''})`,
    );
  return [
    `${report.dryRun ? 'Dry run: ' : ''}${report.looked} examined in ${(report.durationMs / 1000).toFixed(1)} s.`,
    ...(lines.length === 0 ? ['Nothing to do.'] : lines),
    ...orphans,
  ].join('\n');
}
