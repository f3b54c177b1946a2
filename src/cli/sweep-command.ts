/** `waybill sweep`: once through all that nobody came back for. */
import { isWaybillError } from '../protocol/index.ts';
import type { SweepOptions, SweepReport } from '../server/index.ts';
import { openApp } from './app/open-app.ts';
import { CliError, environmentError, exitCodes } from './cli-error.ts';
import type { CommandSpec } from './command.ts';
import { printable } from './terminal.ts';

export const sweepCommand: CommandSpec = {
  name: 'sweep',
  summary: 'Complete what was never announced, remove what nobody needs',
  description: [
    'Completes what arrived and was never announced, tries callbacks again, gives up',
    'what will not come, frees parts and removes leftovers. `waybill serve` does so',
    'by itself; this is for servers of your own, and for looking. The configuration',
    'and the environment are those of `waybill serve`.',
  ].join('\n'),
  options: [
    {
      name: 'config',
      short: 'c',
      value: 'FILE',
      summary: 'Routes: a .js or .json file; .ts on Node 22.18 or newer',
      fallback: 'uploads.js',
    },
    { name: 'dry-run', short: 'n', summary: 'Say what would be done, and change nothing' },
    { name: 'grace', value: 'SECONDS', summary: 'Leave alone what is younger', fallback: '300' },
    { name: 'orphans', summary: 'Also report objects of the bucket that no upload accounts for' },
    { name: 'orphan-prefix', value: 'PREFIX', summary: 'Look for them below this only' },
    { name: 'delete-orphans', summary: 'Delete those that an upload left; below an --orphan-prefix all' },
    { name: 'json', summary: 'Print the report as JSON' },
  ],
  examples: [
    ['waybill sweep --dry-run', 'what would happen'],
    ['waybill sweep --orphans --json', 'for a script'],
    ['waybill sweep --delete-orphans --dry-run', 'look first: files from before the ledger are orphans to it'],
  ],
  exits: [
    [exitCodes.done, 'done'],
    [exitCodes.failed, 'something could not be settled: it is tried again by the next sweep'],
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
      if (!/^\d{1,9}$/.test(grace)) throw new CliError(`--grace takes a whole number of seconds, not "${grace}".`);
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
      if (isWaybillError(error)) throw environmentError(`The sweep could not go on: ${error.message}`);
      throw error;
    } finally {
      await app.close();
    }
    for (const failure of failures.slice(0, 20)) terminal.err(printable(failure.split('\n', 1)[0] as string));
    terminal.out(input.has('json') ? JSON.stringify(report) : words(report));
    return report.failed > 0 ? exitCodes.failed : exitCodes.done;
  },
};

function words(report: SweepReport): string {
  const would = report.dryRun ? 'would be ' : '';
  const rows: [number, string][] = [
    [report.completed, `${would}completed: arrived and never announced`],
    [report.rejected, 'rejected: arrived, and not what was granted'],
    [report.callbacksFailed, 'callbacks failed again'],
    [report.expired, `${would}expired: nothing came`],
    [report.aborted, `multipart uploads ${would}aborted at the storage`],
    [report.deleted, `leftovers ${would}deleted`],
    [report.forgotten, 'old records forgotten'],
    [report.orphans.length, 'orphans: no upload accounts for them'],
    [report.failed, 'could not be settled'],
  ];
  const lines = rows.filter(([count]) => count > 0).map(([count, what]) => `${String(count).padStart(7)}  ${what}`);
  const orphans = report.orphans
    .slice(0, 50)
    .map(
      ({ key, kind, size, removed }) =>
        `           ${printable(key)} (${kind === 'object' ? `${size} bytes` : 'parts'}${removed ? ', deleted' : ''})`,
    );
  return [
    `${report.dryRun ? 'A dry run. ' : ''}${report.looked} looked at in ${(report.durationMs / 1000).toFixed(1)} s.`,
    ...(lines.length === 0 ? ['Nothing to do.'] : lines),
    ...orphans,
  ].join('\n');
}
