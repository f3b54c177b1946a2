/** `waybill serve`: the server for production, alone in its process. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import type { Hono } from 'hono';
import { type Polling, pollStorageEvents, sqsQueue, startUpkeep } from '../../server/index.ts';
import { checkStorage } from '../app/check-storage.ts';
import { type App, openApp } from '../app/open-app.ts';
import { type Variables, variablesHelp } from '../app/variables.ts';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CommandInput, CommandSpec } from '../command.ts';
import { isLoopback, listenOn, origin } from '../listen.ts';
import { parsePort } from '../parse.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { endServer, within } from './end.ts';
import { createLogger, logEvent } from './logs.ts';
import { createMainServer } from './main-server.ts';
import { createMetrics } from './metrics.ts';
import { createOpsServer } from './ops-server.ts';
import { createReadiness } from './readiness.ts';

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export const serveCommand: CommandSpec = {
  name: 'serve',
  summary: 'Run the server for production',
  description: [
    'Serves the routes of a configuration: a module that exports `routes` (and,',
    'if it likes, `options`, as createUploads takes them), or JSON. It also sweeps,',
    'delivers webhooks, and tells Prometheus. Any number of replicas may run on one',
    'ledger in Postgres. SIGTERM ends it in good order.',
    '',
    variablesHelp(),
  ].join('\n'),
  options: [
    {
      name: 'config',
      short: 'c',
      value: 'FILE',
      summary: 'Routes: a .js or .json file; .ts on Node 22.18 or newer',
      fallback: 'uploads.js',
    },
    { name: 'port', short: 'p', value: 'PORT', summary: 'Where clients reach it', fallback: '8080', env: 'PORT' },
    { name: 'host', value: 'ADDRESS', summary: 'Address to listen on', fallback: '0.0.0.0' },
    { name: 'ops-port', value: 'PORT', summary: 'Where /metrics is, and with --admin the page', fallback: '9464' },
    { name: 'ops-host', value: 'ADDRESS', summary: 'Address of that', fallback: '127.0.0.1' },
    { name: 'admin', summary: "The operator's page; beyond this machine it needs WAYBILL_ADMIN_TOKEN" },
    { name: 'sweep-every', value: 'SECONDS', summary: 'How often to sweep; 0 for never', fallback: '60' },
    { name: 'grace', value: 'SECONDS', summary: 'How long the end may take', fallback: '30' },
    { name: 'log', value: 'LEVEL', summary: levels.join(', '), fallback: 'info' },
  ],
  examples: [
    ['waybill serve --config uploads.js', 'on port 8080, with a ledger in ./waybill.db'],
    ['WAYBILL_LEDGER=postgres://app@db/waybill waybill serve', 'one of several replicas'],
    ['waybill serve --admin', "the operator's page at http://127.0.0.1:9464"],
  ],
  exits: [
    [exitCodes.done, 'ended in good order'],
    [exitCodes.failed, 'ended, and something had to be cut short'],
    [exitCodes.usage, 'the command line or the configuration is wrong'],
    [exitCodes.environment, 'it could not start: a variable, a port, the ledger'],
  ],
  run: serve,
};

async function serve(input: CommandInput, terminal: Terminal): Promise<number> {
  const settings = readSettings(input);
  const logger = createLogger(settings.level, { write: (line) => terminal.out(line.trimEnd()) });
  const metrics = createMetrics();
  const app = await openApp(
    {
      config: input.option('config') ?? 'uploads.js',
      onEvent(event) {
        logEvent(logger, event);
        metrics.onEvent(event);
      },
      around: metrics.around,
    },
    terminal,
  );
  const { uploads, storage, ledger, variables } = app;
  metrics.watch(ledger);
  await uploads.preload();
  try {
    await checkStorage(uploads, terminal);
  } catch (error) {
    await app.close();
    throw error;
  }
  const readiness = createReadiness({ storage, ledger, uploads });
  const token = variables.get('WAYBILL_ADMIN_TOKEN');
  const servers: Server[] = [];
  const ending: (() => Promise<unknown>)[] = [];
  let clean = true;
  try {
    const onAdminError = (error: unknown) => logger.error({ reason: describeError(error) }, 'admin.failed');
    const hostNames = opsHostNames(settings.opsHost, variables);
    const admin = settings.admin ? await openAdmin(app, settings.opsHost, hostNames, token, onAdminError) : undefined;
    const main = createMainServer(uploads, readiness);
    const ops = createOpsServer({ metrics, readiness, admin, hostNames });
    const port = await listen(servers, main, settings.port, settings.host);
    const opsPort = await listen(servers, ops, settings.opsPort, settings.opsHost);
    const onError = (error: unknown) => logger.error({ reason: describeError(error) }, 'upkeep.failed');
    // Of accepting, such as too many open files: it goes on when there are fewer.
    for (const server of servers)
      server.on('error', (error) => logger.error({ reason: describeError(error) }, 'server.failed'));
    const upkeep = startUpkeep(uploads, {
      everySeconds: settings.sweepEverySeconds,
      onReport: metrics.onSweep,
      onDelivery: ({ outcome, ...facts }) => {
        metrics.onDelivery(outcome);
        logger[outcome === 'delivered' ? 'info' : 'warn']({ ...facts, outcome }, 'webhook');
      },
      onError,
    });
    ending.push(() => upkeep.stop());
    const queueUrl = variables.get('WAYBILL_EVENTS_SQS_URL');
    if (queueUrl) {
      const polling: Polling = pollStorageEvents({ uploads, queue: sqsQueue({ queueUrl }), onError });
      ending.push(() => polling.stop());
    }
    logger.info(
      { host: settings.host, port, opsHost: settings.opsHost, opsPort, ledger: ledger?.kind ?? 'none' },
      'ready',
    );
    terminal.err(
      `Listening on ${origin(settings.host, port)}; metrics on ${origin(settings.opsHost, opsPort)}/metrics`,
    );
    await untilInterrupted(terminal);
    logger.info('ending');
    readiness.leave();
    // Answers first: what they began in the background is only known then.
    const until = Date.now() + settings.graceMs;
    const upkeepEnds = Promise.all(ending.map((end) => end()));
    upkeepEnds.catch(onError);
    const answered = await endServer(main, settings.graceMs);
    const done = await within(Math.max(until - Date.now(), 0), Promise.all([upkeepEnds, uploads.idle()]));
    clean = answered && done;
  } finally {
    for (const server of servers) await endServer(server, 0);
    await app.close();
  }
  logger.info({ clean }, 'ended');
  return clean ? exitCodes.done : exitCodes.failed;
}

/** By which names operators and Prometheus call it: the one it listens on, the machine's own, and those it is told. */
function opsHostNames(opsHost: string, variables: Variables): string[] {
  return [opsHost, hostname(), ...variables.list('WAYBILL_OPS_HOSTS')].map((name) => name.toLowerCase());
}

async function openAdmin(
  app: App,
  opsHost: string,
  hostNames: readonly string[],
  token: string | undefined,
  onError: (error: unknown) => void,
): Promise<Hono> {
  if (!app.ledger)
    throw new CliError("The operator's page reads the ledger, and there is none.", {
      hint: 'WAYBILL_LEDGER says where it is.',
    });
  if (!isLoopback(opsHost) && !token)
    throw new CliError(`${opsHost} can be reached by others: the operator's page needs WAYBILL_ADMIN_TOKEN there.`);
  if (token !== undefined && token.length < 16)
    throw new CliError('WAYBILL_ADMIN_TOKEN is too short: at least 16 random characters.');
  const { createAdmin } = await import('../admin/index.ts');
  return createAdmin({ uploads: app.uploads, ledger: app.ledger, hostNames, token, onError });
}

async function listen(servers: Server[], server: Server, port: number, host: string): Promise<number> {
  await listenOn({ port, movable: false }, host, async (at) => {
    const failed = once(server, 'error').then(([error]) => Promise.reject(error as Error));
    server.listen(at, host);
    await Promise.race([once(server, 'listening'), failed]);
    // Later errors are of single connections.
    failed.catch(() => {});
  });
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

function readSettings(input: CommandInput) {
  const level = input.option('log') ?? 'info';
  if (!(levels as readonly string[]).includes(level))
    throw new CliError(`"${level}" is no level: ${levels.join(', ')}.`);
  return {
    level,
    port: parsePort(input.option('port') ?? '8080'),
    host: hostOf(input.option('host') ?? '0.0.0.0'),
    opsPort: parsePort(input.option('ops-port') ?? '9464'),
    opsHost: hostOf(input.option('ops-host') ?? '127.0.0.1'),
    admin: input.has('admin'),
    sweepEverySeconds: secondsOf('sweep-every', input.option('sweep-every') ?? '60'),
    graceMs: secondsOf('grace', input.option('grace') ?? '30') * 1000,
  };
}

function hostOf(host: string): string {
  if (!/^[\w.:-]+$/.test(host)) throw new CliError(`"${host}" is not an address to listen on.`);
  return host;
}

function secondsOf(name: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new CliError(`--${name} takes a whole number of seconds, not "${text}".`);
  return Number(text);
}

function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
