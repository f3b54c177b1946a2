/** `waybill dev`: devstore, server and page in one process, with real signatures. */
import { join, relative, resolve } from 'node:path';
import { createDevstore, type Devstore, type DevstoreOptions } from '../../devstore/index.ts';
import { openLedger } from '../../ledger/index.ts';
import { formatBytes } from '../../protocol/index.ts';
import { s3Storage } from '../../s3/index.ts';
import type { UploadsEvent } from '../../server/index.ts';
import { checkStorage } from '../app/check-storage.ts';
import { describeFileError, environmentError, exitCodes } from '../cli-error.ts';
import type { CommandSpec } from '../command.ts';
import { checkHost, formatOrigin, isLoopback, listenOn, type PortChoice, reachableHost } from '../listen.ts';
import { takeLock } from '../lock.ts';
import { findPageDir } from '../page-dir.ts';
import { parsePort } from '../parse.ts';
import { createPaint, type Paint, printable, type Terminal } from '../terminal.ts';
import { waitForInterrupt } from '../wait-for-interrupt.ts';
import { createDevServer } from './server.ts';
import { openState, type State } from './state.ts';
import { createTransferCounter } from './transfer-stats.ts';

const defaultPort = 4400;
const bucket = 'uploads';
const region = 'us-east-1';

export const devCommand: CommandSpec = {
  name: 'dev',
  summary: 'Run a store, a server and the page on this machine',
  description: [
    'Starts in one process what a first upload needs: a strict S3-compatible store on',
    'your disk, a Waybill server with the routes "files" and "photos", and a page to',
    'send files from. Open the address that it prints.',
    '',
    'Files, keys and secrets are kept in .waybill/ in the current folder. Only this',
    'machine can reach the server.',
  ].join('\n'),
  options: [
    {
      name: 'port',
      short: 'p',
      value: 'PORT',
      summary: 'Port of the server and the page; the store uses the next one',
      fallback: `${defaultPort}, or the next free one`,
    },
    { name: 'dir', short: 'd', value: 'PATH', summary: 'Folder for files, keys and secrets', fallback: '.waybill' },
    { name: 'host', value: 'ADDRESS', summary: 'Address to listen on', fallback: '127.0.0.1' },
    {
      name: 'allow-public',
      summary: 'Allow an address that others can reach; they can then send and see files',
    },
    { name: 'quiet', short: 'q', summary: 'Do not print uploads' },
  ],
  examples: [
    ['waybill dev', `starts, usually on http://127.0.0.1:${defaultPort}`],
    ['waybill dev --port 8080 --dir /tmp/try', 'starts on another port, with another folder'],
    ['waybill dev --host 0.0.0.0 --allow-public', 'also accepts a phone in the same network'],
  ],
  exits: [
    [exitCodes.done, 'stopped with Ctrl-C'],
    [exitCodes.usage, 'the command line is wrong'],
    [exitCodes.environment, 'it could not start: a port in use, a folder that cannot be used'],
  ],

  async run(input, terminal) {
    const host = input.option('host') ?? '127.0.0.1';
    checkHost(host, input.has('allow-public'));
    const port = input.option('port');
    const choice = { port: port === undefined ? defaultPort : parsePort(port), movable: port === undefined };
    const dir = resolve(terminal.cwd, input.option('dir') ?? '.waybill');

    const state = await openState(dir);
    const lock = await takeLock(dir);
    const running = await start({ terminal, state, host, choice, quiet: input.has('quiet') });
    try {
      await lock.hold({ storeUrl: running.storeUrl, url: running.url });
      announce(terminal, running, dir);
      await waitForInterrupt(terminal);
    } finally {
      await running.close();
      await lock.release();
    }
    terminal.err(`Stopped. The uploaded files are still in ${displayPath(terminal, dir)}.`);
    return exitCodes.done;
  },
};

interface StartOptions {
  terminal: Terminal;
  state: State;
  host: string;
  choice: PortChoice;
  quiet: boolean;
}

interface Running {
  url: string;
  storeUrl: string;
  close(): Promise<void>;
}

/** Starts the store first, because the server signs for its address. The store may use any free port. */
async function start({ terminal, state, host, choice, quiet }: StartOptions): Promise<Running> {
  const paint = createPaint(terminal.colours);
  const transferCounter = createTransferCounter({ storeCounts: true });
  const { secret, ...credentials } = state.keys;
  const store = await openStore(state.storeDir, {
    credentials: [credentials],
    region,
    buckets: [bucket],
    onRequest: transferCounter.addStoreRequest,
    onError: (error) => terminal.err(paint('red', `store: ${printable(String(error))}`)),
  });
  const closers = [() => store.close()];
  const close = async () => {
    for (const end of closers.reverse()) await end();
  };
  try {
    const ledger = await openLedger(`sqlite:${join(state.dir, 'uploads.db')}`);
    closers.push(() => ledger.close());
    const storeChoice = { port: choice.port === 0 ? 0 : Math.min(choice.port + 1, 65_535), movable: true };
    const { port: storePort } = await listenOn(storeChoice, host, (port) => store.listen({ port, host }));
    const shownHost = reachableHost(host);
    const server = await createDevServer({
      storage: s3Storage({
        bucket,
        region,
        credentials,
        endpoint: formatOrigin(host === shownHost ? host : '127.0.0.1', storePort),
        publicEndpoint: formatOrigin(shownHost, storePort),
        capabilities: 'devstore',
      }),
      secret,
      ledger,
      pageDir: findPageDir(),
      transferCounter,
      hostNames: [host.toLowerCase()],
      ...(quiet ? {} : { onEvent: (event) => logEvent(terminal, paint, event) }),
    });
    closers.push(() => server.close());
    await checkStorage(server, terminal);
    const { port } = await listenOn(choice, host, (at) => server.listen({ port: at, host }));
    const names = new Set([shownHost, ...(isLoopback(shownHost) ? ['localhost', '127.0.0.1'] : ['127.0.0.1'])]);
    await store.setCors(bucket, [
      {
        allowedOrigins: [...names].map((name) => formatOrigin(name, port)),
        allowedMethods: ['GET', 'HEAD', 'PUT', 'POST'],
        allowedHeaders: ['*'],
        exposeHeaders: ['ETag', 'Retry-After'],
        maxAgeSeconds: 3000,
      },
    ]);
    return { url: formatOrigin(shownHost, port), storeUrl: formatOrigin(shownHost, storePort), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openStore(dir: string, options: Omit<DevstoreOptions, 'dir'>): Promise<Devstore> {
  try {
    return await createDevstore({ dir, ...options });
  } catch (error) {
    const problem = describeFileError(error);
    throw problem
      ? environmentError(`${dir} cannot be used: ${problem}.`, 'Choose another folder with --dir PATH.')
      : error;
  }
}

function announce(terminal: Terminal, { url, storeUrl }: Running, dir: string): void {
  const paint = createPaint(terminal.colours);
  terminal.out(
    [
      '',
      `  ${paint('bold', 'Waybill')} is ready. Open ${paint('bold', url)}`,
      '',
      `  page     ${url}`,
      `  uploads  ${url}/uploads   routes: files, photos`,
      `  store    ${storeUrl}/${bucket}   on disk: ${displayPath(terminal, dir)}`,
      '',
      `  ${paint('dim', 'Press Ctrl-C to stop.')}`,
      '',
    ].join('\n'),
  );
}

function displayPath(terminal: Terminal, dir: string): string {
  const below = relative(terminal.cwd, dir);
  return `${below !== '' && !below.startsWith('..') ? below : dir}/`;
}

function logEvent(terminal: Terminal, paint: Paint, event: UploadsEvent): void {
  const facts = (of: { contentType: string; size: number | null; route: string }) =>
    `${(of.size === null ? 'a stream' : formatBytes(of.size)).padStart(9)}  ${of.route}  ${printable(of.contentType)}`;
  if (event.type === 'upload.completed')
    terminal.err(`  ${paint('green', 'received')}  ${facts(event)}  ${printable(event.key)}`);
  else if (event.type === 'upload.rejected')
    terminal.err(`  ${paint('red', 'refused ')}  ${facts(event)}  ${event.code}`);
  else if (event.type === 'upload.aborted') terminal.err(`  ${paint('dim', 'aborted ')}  ${facts(event)}`);
  else if (event.type === 'request.failed' && event.status >= 500)
    terminal.err(`  ${paint('red', 'error   ')}  ${event.code}: ${printable(event.reason ?? event.message)}`);
}
