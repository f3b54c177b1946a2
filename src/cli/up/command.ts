/** `waybill up`: files from this machine through a Waybill server's permission to its store. */
import { createClient, type FileSource, fileSource, type Upload } from '../../client/node/index.ts';
import { exitCodes } from '../cli-error.ts';
import type { CommandSpec } from '../command.ts';
import type { Terminal } from '../terminal.ts';
import { readFiles } from './files.ts';
import { checkServer, parseEndpoint, parseHeaders, parseMetadata, parseRoute } from './options.ts';
import { createReporter } from './report.ts';

export const upCommand: CommandSpec = {
  name: 'up',
  summary: 'Send files through a Waybill server, straight to its store',
  operands: 'FILE...',
  description: [
    'Asks the server for permission, sends each file straight to the store, has it',
    'checked in, and prints the stable address of what was stored.',
    'Nothing is sent when one of the files cannot be read.',
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
    { name: 'metadata', value: 'JSON', summary: 'Metadata for the route, the same for every file' },
    { name: 'type', value: 'TYPE', summary: 'Content type of every file', fallback: 'by the extension' },
    { name: 'json', summary: 'Print one JSON object a line for each file, and nothing else' },
    { name: 'quiet', short: 'q', summary: 'Print the addresses only' },
  ],
  examples: [
    ['waybill up photo.jpg --to http://127.0.0.1:4400/uploads --route files', 'to a server started with waybill dev'],
    [
      "waybill up *.pdf --to https://app.example/uploads -r invoices -H 'Authorization: Bearer ...' --json",
      'several files, with a token, for a script',
    ],
  ],
  exits: [
    [exitCodes.done, 'every file is stored'],
    [exitCodes.failed, 'at least one file was refused or did not get through'],
    [exitCodes.usage, 'the command line is wrong, or a file cannot be read; nothing was sent'],
    [exitCodes.environment, 'the server does not answer, or is not a Waybill server; nothing was sent'],
    [exitCodes.interrupted, 'stopped with Ctrl-C; what was not finished is given up'],
  ],

  async run(input, terminal) {
    const paths = await readFiles(input.operands, terminal.cwd);
    const endpoint = parseEndpoint(input.option('to'));
    const route = parseRoute(input.option('route'));
    const headers = parseHeaders(input.all('header'));
    const metadata = parseMetadata(input.option('metadata'));
    const contentType = input.option('type');
    const client = createClient({ endpoint, headers: () => headers });
    await checkServer(client, endpoint, route);

    const report = createReporter(terminal, input.has('json') ? 'json' : input.has('quiet') ? 'quiet' : 'lines');
    const uploads: Upload[] = [];
    const stopListening = terminal.onInterrupt(() => interrupt(uploads, terminal));
    try {
      for (const { path, shown } of paths) {
        const source: FileSource = await fileSource(path, contentType === undefined ? {} : { contentType });
        const upload = client.upload(route, source, metadata === undefined ? {} : { metadata });
        uploads.push(upload);
        report.follow(shown, upload, endpoint);
      }
      await Promise.allSettled(uploads.map(({ done }) => done));
    } finally {
      stopListening();
      report.close();
    }
    const snapshots = uploads.map((upload) => upload.getSnapshot().status);
    if (snapshots.includes('aborted')) return exitCodes.interrupted;
    return snapshots.every((status) => status === 'done') ? exitCodes.done : exitCodes.failed;
  },
};

/** Each abort is told to the server; a second Ctrl-C does not wait for that. */
function interrupt(uploads: readonly Upload[], terminal: Terminal): void {
  if (uploads.length > 0 && uploads.every((upload) => upload.getSnapshot().status === 'aborted')) {
    terminal.err('');
    process.exit(exitCodes.interrupted);
  }
  for (const upload of uploads) upload.abort();
}
