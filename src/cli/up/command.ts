/** `waybill up`: sends files to the storage of a Waybill server. */
import { createClient, isWaybillError, type Upload } from '../../client/node/index.ts';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CommandSpec } from '../command.ts';
import type { Terminal } from '../terminal.ts';
import { type FileToSend, readFiles } from './files.ts';
import { checkServer, parseEndpoint, parseHeaders, parseMetadata, parseRoute } from './options.ts';
import { createReporter, type Reporter } from './report.ts';
import { createSend, type Send } from './send.ts';
import { openState } from './state.ts';

export const upCommand: CommandSpec = {
  name: 'up',
  summary: 'Send files to a Waybill server, straight to its storage',
  operands: 'FILE...',
  description: [
    'Asks the server for permission, sends each file straight to the storage,',
    'completes the upload and prints the stable URL of the stored file. A folder',
    'stands for the files in it, and a single - for standard input. Nothing is sent',
    'when one of the files cannot be read.',
    '',
    'An unfinished upload of a large file (after Ctrl-C, a crash, kill -9) is kept',
    'for a week. The same command resumes it: it compares the parts that have',
    'arrived with the file, and sends only what is missing.',
  ].join('\n'),
  options: [
    {
      name: 'to',
      value: 'URL',
      summary: 'URL of the server, such as https://app.example/uploads',
      env: 'WAYBILL_TO',
    },
    {
      name: 'route',
      short: 'r',
      value: 'NAME',
      summary: 'Route of the server for these files',
      env: 'WAYBILL_ROUTE',
    },
    {
      name: 'header',
      short: 'H',
      value: "'NAME: VALUE'",
      many: true,
      summary: 'Header for the server, such as a token. It is not sent to the storage',
      env: 'WAYBILL_HEADER',
    },
    {
      name: 'metadata',
      value: 'JSON',
      summary: 'Metadata for the route; files of a folder also have relativePath if the route accepts it',
    },
    { name: 'type', value: 'TYPE', summary: 'Content type of every file', fallback: 'by the extension' },
    { name: 'name', value: 'NAME', summary: 'File name for standard input', fallback: 'stdin' },
    {
      name: 'state',
      value: 'PATH',
      summary: 'Folder for unfinished uploads and their secrets, readable only by you',
      fallback: '~/.local/state/waybill/uploads, or below $XDG_STATE_HOME',
      env: 'WAYBILL_STATE',
    },
    { name: 'start-over', summary: 'Discard unfinished uploads of these files and send them from the start' },
    { name: 'json', summary: 'Print one JSON object for each file, and nothing else' },
    { name: 'quiet', short: 'q', summary: 'Print only the URLs' },
  ],
  examples: [
    [
      'waybill up photo.jpg --to http://127.0.0.1:4400/uploads --route files',
      'sends a file to a server started with waybill dev',
    ],
    [
      "waybill up *.pdf --to https://app.example/uploads -r invoices -H 'Authorization: Bearer ...' --json",
      'sends several files with a token, for a script',
    ],
    ['waybill up holiday/ --to http://127.0.0.1:4400 -r photos', 'sends all files in a folder'],
    [
      'pg_dump app | waybill up - --name app.sql --to https://app.example -r backups',
      'sends what another program writes, of any size',
    ],
  ],
  exits: [
    [exitCodes.done, 'every file is stored'],
    [exitCodes.failed, 'at least one file was refused or could not be sent'],
    [exitCodes.usage, 'the command line is wrong, or a file cannot be read; nothing was sent'],
    [exitCodes.environment, 'the server does not answer, or is not a Waybill server; nothing was sent'],
    [exitCodes.interrupted, 'stopped with Ctrl-C; the same command resumes large files'],
  ],

  async run(input, terminal) {
    const { files, skipped } = await readFiles(input.operands, terminal.cwd);
    const endpoint = parseEndpoint(input.option('to'));
    const route = parseRoute(input.option('route'));
    const headers = parseHeaders(input.all('header'));
    const metadata = parseMetadata(input.option('metadata'));
    const contentType = input.option('type');
    const fileName = input.option('name');
    checkStandardInput(files, fileName, terminal);
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
      onResume: ({ shown }) => report.resumed(shown),
    });
    for (const what of skipped) report.skipped(what);
    /** Only an upload in parts can be resumed by a later run. */
    const canResume = ({ getSnapshot }: Upload) => {
      const { size } = getSnapshot();
      return resumeStore !== null && size !== null && transfers.includes('multipart') && size >= multipartMinBytes;
    };
    return sendAll({ files, send, report, endpoint, canResume, terminal });
  },
};

function checkStandardInput(files: readonly FileToSend[], fileName: string | undefined, terminal: Terminal): void {
  const isUsed = files.some(({ path }) => path === null);
  if (fileName !== undefined && !isUsed)
    throw new CliError('--name is for standard input: waybill up - --name NAME', {
      hint: 'Other files keep their own names.',
    });
  if (isUsed && terminal.inputIsTerminal)
    throw new CliError('Standard input is a terminal.', {
      hint: 'Pipe a program into it: some-program | waybill up - --name NAME',
    });
}

interface SendAllOptions {
  files: readonly FileToSend[];
  send: Send;
  report: Reporter;
  endpoint: string;
  canResume(upload: Upload): boolean;
  terminal: Terminal;
}

/** Sends the files until all have ended or the user has pressed Ctrl-C. @returns the exit code */
async function sendAll({ files, send, report, endpoint, canResume, terminal }: SendAllOptions): Promise<number> {
  const uploads: Upload[] = [];
  let isStopped = false;
  let onStopped = () => {};
  const interrupted = new Promise<void>((resolve) => {
    onStopped = resolve;
  });
  const stopListening = terminal.onInterrupt(() => {
    // The first Ctrl-C waits until the server knows of every abort. The second one does not.
    if (isStopped) {
      terminal.err('');
      process.exit(exitCodes.interrupted);
    }
    isStopped = true;
    for (const upload of uploads) canResume(upload) ? upload.pause() : upload.abort();
    onStopped();
  });
  try {
    for (const file of files) {
      const upload = await Promise.race([send(file), interrupted]).catch((error) => {
        if (!isWaybillError(error)) throw error;
        const { hint } = (error.details ?? {}) as { hint?: string };
        throw new CliError(`${file.shown}: ${error.message}`, { exitCode: exitCodes.failed, hint });
      });
      if (!upload || isStopped) break;
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
  if (isStopped) return exitCodes.interrupted;
  return uploads.every((upload) => upload.getSnapshot().status === 'done') ? exitCodes.done : exitCodes.failed;
}
