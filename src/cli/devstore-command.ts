/** `waybill devstore`: runs the devstore alone, for an app with its own server. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createDevstore, type Devstore, type RequestReport } from '../devstore/index.ts';
import { formatBytes, isWaybillError } from '../protocol/index.ts';
import { CliError, describeFileError, environmentError, exitCodes } from './cli-error.ts';
import type { CommandInput, CommandSpec } from './command.ts';
import { checkHost, formatOrigin, listenOn, reachableHost } from './listen.ts';
import { takeLock } from './lock.ts';
import { parsePort } from './parse.ts';
import { createPaint, type Paint, printable, type Terminal } from './terminal.ts';
import { waitForInterrupt } from './wait-for-interrupt.ts';

const defaultPort = 9000;

export const devstoreCommand: CommandSpec = {
  name: 'devstore',
  summary: 'Run only the devstore: strict, S3-compatible, in plain files',
  description: [
    'An S3-compatible store for development and tests. It refuses what AWS refuses,',
    'with the same codes: it verifies signatures, policies, checksums, lengths and',
    'conditions, and allows no anonymous access. Not for production.',
  ].join('\n'),
  options: [
    {
      name: 'port',
      short: 'p',
      value: 'PORT',
      summary: 'Port to listen on; 0 for any free port',
      fallback: String(defaultPort),
    },
    { name: 'bucket', short: 'b', value: 'NAME', many: true, summary: 'Bucket to create', fallback: 'uploads' },
    {
      name: 'access-key',
      value: 'ID',
      summary: 'Access key ID',
      fallback: 'a new one at each start',
      env: 'WAYBILL_ACCESS_KEY',
    },
    {
      name: 'secret-key',
      value: 'SECRET',
      summary: 'Secret access key. Prefer the variable: other users can see command lines',
      env: 'WAYBILL_SECRET_KEY',
    },
    { name: 'dir', short: 'd', value: 'PATH', summary: 'Folder for the files', fallback: '.waybill/devstore' },
    { name: 'region', value: 'NAME', summary: 'Region that requests are signed for', fallback: 'us-east-1' },
    {
      name: 'cors',
      value: 'ORIGIN',
      many: true,
      summary: 'Origin whose pages may use the buckets, such as http://localhost:5173',
      fallback: 'the stored rules of the buckets',
    },
    { name: 'host', value: 'ADDRESS', summary: 'Address to listen on', fallback: '127.0.0.1' },
    { name: 'allow-public', summary: 'Listen on an address that others can reach' },
    { name: 'quiet', short: 'q', summary: 'Do not print requests' },
  ],
  examples: [
    ['waybill devstore', `starts on http://127.0.0.1:${defaultPort} with new keys`],
    [
      'waybill devstore --access-key dev --secret-key devsecret --cors http://localhost:5173',
      'starts with fixed keys, for a page served by Vite',
    ],
  ],
  exits: [
    [exitCodes.done, 'stopped with Ctrl-C'],
    [exitCodes.usage, 'the command line is wrong'],
    [exitCodes.environment, 'it could not start: a port in use, a folder that cannot be used'],
  ],

  async run(input, terminal) {
    const host = input.option('host') ?? '127.0.0.1';
    checkHost(host, input.has('allow-public'));
    const port = parsePort(input.option('port') ?? String(defaultPort));
    const dir = resolve(terminal.cwd, input.option('dir') ?? '.waybill/devstore');
    const buckets = input.has('bucket') ? input.all('bucket') : ['uploads'];
    const keys = readKeys(input);
    const region = input.option('region') ?? 'us-east-1';
    const paint = createPaint(terminal.colours);

    const lock = await takeLock(dir);
    const store = await openStore(dir, {
      credentials: [keys],
      region,
      buckets,
      ...(input.has('cors') ? { cors: [parseCorsRule(input.all('cors'))] } : {}),
      ...(input.has('quiet') ? {} : { onRequest: (report: RequestReport) => logRequest(terminal, paint, report) }),
      onError: (error: unknown) => terminal.err(paint('red', `store: ${printable(String(error))}`)),
    });
    try {
      const bound = await listenOn({ port, movable: false }, host, (at) => store.listen({ port: at, host }));
      const url = formatOrigin(reachableHost(host), bound.port);
      await lock.hold({ storeUrl: url, url });
      terminal.out(
        [
          '',
          `  ${paint('bold', 'Waybill devstore')} is ready.`,
          '',
          `  endpoint    ${url}`,
          `  region      ${region}`,
          `  bucket      ${buckets.join(', ')}`,
          `  access key  ${keys.accessKeyId}`,
          `  secret key  ${keys.secretAccessKey}`,
          `  files in    ${dir}`,
          '',
          `  ${paint('dim', 'Press Ctrl-C to stop.')}`,
          '',
        ].join('\n'),
      );
      await waitForInterrupt(terminal);
    } finally {
      await store.close();
      await lock.release();
    }
    return exitCodes.done;
  },
};

function readKeys(input: CommandInput): { accessKeyId: string; secretAccessKey: string } {
  const accessKeyId = input.option('access-key');
  const secretAccessKey = input.option('secret-key');
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined))
    throw new CliError('--access-key and --secret-key belong together: give both or neither.');
  if (accessKeyId === undefined || secretAccessKey === undefined)
    return {
      accessKeyId: `WAYBILL${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString('base64url'),
    };
  // In the scope of a signature, a slash separates the key from the date.
  if (!/^[\w.-]{3,128}$/.test(accessKeyId))
    throw new CliError('--access-key takes 3 to 128 letters, digits, dots, dashes and underscores.');
  if (!/^[\x21-\x7e]{8,128}$/.test(secretAccessKey))
    throw new CliError('--secret-key takes 8 to 128 printable characters without spaces.');
  return { accessKeyId, secretAccessKey };
}

function parseCorsRule(origins: readonly string[]) {
  const wrong = origins.find((one) => one !== '*' && !/^https?:\/\/[^/\s]+$/.test(one));
  if (wrong !== undefined)
    throw new CliError(`"${wrong}" is not an origin.`, {
      hint: 'An origin has no path and no slash at the end: http://localhost:5173',
    });
  return {
    allowedOrigins: [...origins],
    allowedMethods: ['GET' as const, 'HEAD' as const, 'PUT' as const, 'POST' as const, 'DELETE' as const],
    allowedHeaders: ['*'],
    exposeHeaders: ['ETag', 'Retry-After'],
    maxAgeSeconds: 3000,
  };
}

async function openStore(dir: string, options: Omit<Parameters<typeof createDevstore>[0], 'dir'>): Promise<Devstore> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    return await createDevstore({ dir, ...options });
  } catch (error) {
    const problem = describeFileError(error);
    if (problem) throw environmentError(`${dir} cannot be used: ${problem}.`, 'Choose another folder with --dir PATH.');
    if (isWaybillError(error)) throw new CliError(error.message);
    throw error;
  }
}

function logRequest(
  terminal: Terminal,
  paint: Paint,
  { method, bucket, key, status, bytesIn, bytesOut, code }: RequestReport,
): void {
  const where = `/${bucket ?? ''}${key === undefined ? '' : `/${key}`}`;
  const facts = [
    method.padEnd(7),
    status || 'cut',
    printable(where),
    ...(bytesIn > 0 ? [`${formatBytes(bytesIn)} in`] : []),
    ...(bytesOut > 0 ? [`${formatBytes(bytesOut)} out`] : []),
    ...(code ? [code] : []),
  ];
  const line = facts.join(' ');
  terminal.err(`  ${status >= 400 || status === 0 ? paint('yellow', line) : line}`);
}
