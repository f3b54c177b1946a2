/** `waybill up`: files from this machine through a Waybill server's permission to its store. */
import { createClient, isWaybillError, type Upload } from '../../client/node/index.ts';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CommandSpec } from '../command.ts';
import { readFiles } from './files.ts';
import { checkServer, parseEndpoint, parseHeaders, parseMetadata, parseRoute } from './options.ts';
import { createReporter } from './report.ts';
import { createSend } from './send.ts';
import { openState } from './state.ts';

export const upCommand: CommandSpec = {
  name: 'up',
  summary: 'Send files through a Waybill server, straight to its store',
  operands: 'FILE...',
  description: [
    'Asks the server for permission, sends each file straight to the store, has it',
    'checked in, and prints the stable address of what was stored. A folder stands',
    'for the files in it, and a single - for standard input. Nothing is sent when',
    'one of the files cannot be read.',
    '',
    'A large file that was not finished (Ctrl-C, a crash, kill -9) is remembered for',
    'a week. The same command goes on with it: it compares what has arrived with the',
    'file, and sends only what is missing.',
  ].join('\n'),
  options: [
    {
      name: 'to',
      value: 'URL',
      summary: 'The server’s uploads, such as https://app.example/uploads',
      env: 'WAYBILL_TO',
    },
    {
      name: 'route',
      short: 'r',
      value: 'NAME',
      summary: 'Which of the server’s routes takes the files',
      env: 'WAYBILL_ROUTE',
    },
    {
      name: 'header',
      short: 'H',
      value: "'NAME: VALUE'",
      many: true,
      summary: 'Sent to the server, never to the store: a token, for instance',
      env: 'WAYBILL_HEADER',
    },
    {
      name: 'metadata',
      value: 'JSON',
      summary: 'Metadata for the route; files of a folder get their relativePath added where the route takes it',
    },
    { name: 'type', value: 'TYPE', summary: 'Content type of every file', fallback: 'by the extension' },
    { name: 'name', value: 'NAME', summary: 'File name for what comes from standard input', fallback: 'stdin' },
    {
      name: 'state',
      value: 'PATH',
      summary: 'Where unfinished uploads are remembered, with secrets that only you can read',
      fallback: '~/.local/state/waybill/uploads, or below $XDG_STATE_HOME',
      env: 'WAYBILL_STATE',
    },
    { name: 'start-over', summary: 'Drop what an earlier run began of these files, and send them anew' },
    { name: 'json', summary: 'Print one JSON object a line for each file, and nothing else' },
    { name: 'quiet', short: 'q', summary: 'Print the addresses only' },
  ],
  examples: [
    ['waybill up photo.jpg --to http://127.0.0.1:4400/uploads --route files', 'to a server started with waybill dev'],
    [
      "waybill up *.pdf --to https://app.example/uploads -r invoices -H 'Authorization: Bearer ...' --json",
      'several files, with a token, for a script',
    ],
    ['waybill up holiday/ --to http://127.0.0.1:4400 -r photos', 'a folder with all that is in it'],
    [
      'pg_dump app | waybill up - --name app.sql --to https://app.example -r backups',
      'what another program writes, however long it gets',
    ],
  ],
  exits: [
    [exitCodes.done, 'every file is stored'],
    [exitCodes.failed, 'at least one file was refused or did not get through'],
    [exitCodes.usage, 'the command line is wrong, or a file cannot be read; nothing was sent'],
    [exitCodes.environment, 'the server does not answer, or is not a Waybill server; nothing was sent'],
    [exitCodes.interrupted, 'stopped with Ctrl-C; large files are paused, and the same command goes on with them'],
  ],

  async run(input, terminal) {
    const { files, skipped } = await readFiles(input.operands, terminal.cwd);
    const endpoint = parseEndpoint(input.option('to'));
    const route = parseRoute(input.option('route'));
    const headers = parseHeaders(input.all('header'));
    const metadata = parseMetadata(input.option('metadata'));
    const contentType = input.option('type');
    const fileName = input.option('name');
    const reads = files.some(({ path }) => path === null);
    if (fileName !== undefined && !reads)
      throw new CliError('--name is for standard input: waybill up - --name NAME', {
        hint: 'Files keep their own names.',
      });
    if (reads && terminal.inputIsTerminal)
      throw new CliError('Standard input is this terminal.', { hint: 'Like: some-program | waybill up - --name NAME' });
    const resumeStore = await openState(input.option('state'), terminal);
    const client = createClient({ endpoint, headers: () => headers, resumeStore });
    const { transfers, multipartMinBytes } = await checkServer(client, endpoint, route);

    const report = createReporter(terminal, input.has('json') ? 'json' : input.has('quiet') ? 'quiet' : 'lines');
    const send = await createSend({
      client,
      endpoint,
      route,
      metadata,
      contentType,
      fileName,
      stdin: terminal.input,
      startOver: input.has('start-over'),
      onGoingOn: ({ shown }) => report.goesOn(shown),
    });
    for (const what of skipped) report.skipped(what);
    const uploads: Upload[] = [];
    let stopped = false;
    let leave = () => {};
    const interrupted = new Promise<void>((resolve) => {
      leave = resolve;
    });
    /** Only what goes in parts leaves anything to go on with. */
    const lasts = ({ getSnapshot }: Upload) => {
      const { size } = getSnapshot();
      return resumeStore !== null && size !== null && transfers.includes('multipart') && size >= multipartMinBytes;
    };
    const stopListening = terminal.onInterrupt(() => {
      // Each abort is told to the server; a second Ctrl-C does not wait for that.
      if (stopped) {
        terminal.err('');
        process.exit(exitCodes.interrupted);
      }
      stopped = true;
      for (const upload of uploads) lasts(upload) ? upload.pause() : upload.abort();
      leave();
    });
    try {
      for (const file of files) {
        const upload = await Promise.race([send(file), interrupted]).catch((error) => {
          if (!isWaybillError(error)) throw error;
          const { hint } = (error.details ?? {}) as { hint?: string };
          throw new CliError(`${file.shown}: ${error.message}`, { exitCode: exitCodes.failed, hint });
        });
        if (!upload || stopped) break;
        uploads.push(upload);
        report.follow(file.shown, upload, endpoint);
      }
      const ended = Promise.allSettled(uploads.map(({ done }) => done));
      await Promise.race([ended, interrupted]);
      const paused = uploads.filter((upload) => upload.getSnapshot().status === 'paused');
      if (paused.length === 0) await ended;
      else report.paused(paused.length);
    } finally {
      stopListening();
      report.close();
    }
    if (stopped) return exitCodes.interrupted;
    return uploads.every((upload) => upload.getSnapshot().status === 'done') ? exitCodes.done : exitCodes.failed;
  },
};
