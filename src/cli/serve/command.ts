/** `waybill serve`: the server for production. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import type { Hono } from 'hono';
import type { Logger } from 'pino';
import { sqsQueue, startUpkeep, type UploadsEvent } from '../../server/index.ts';
import { checkStorage } from '../app/check-storage.ts';
import { type App, openApp } from '../app/open-app.ts';
import { type Variables, variablesHelp } from '../app/variables.ts';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CommandInput, CommandSpec } from '../command.ts';
import { formatOrigin, isLoopback, listenOn } from '../listen.ts';
import { parsePort } from '../parse.ts';
import type { Terminal } from '../terminal.ts';
import { waitForInterrupt } from '../wait-for-interrupt.ts';
import { endServer, finishesWithin } from './end.ts';
import { createLogger, logEvent } from './logs.ts';
import { createMainServer } from './main-server.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createOpsServer } from './ops-server.ts';
import { createReadiness, type Readiness } from './readiness.ts';

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export const serveCommand: CommandSpec = {
  name: 'serve',
  summary: 'Run the server for production',
  description: [
    'Serves the routes of a configuration: a module that exports `routes` and, if',
    'needed, `options` for createUploads, or JSON. It also sweeps, delivers webhooks',
    'and serves metrics for Prometheus. Any number of replicas can share a ledger in',
    'Postgres. On SIGTERM it finishes what is running and exits.',
    '',
    variablesHelp(),
  ].join('\n'),
  options: [
    {
      name: 'config',
      short: 'c',
      value: 'FILE',
      summary: 'File with the routes: .js, .json, or .ts on Node 22.18 or newer',
      fallback: 'uploads.js',
    },
    { name: 'port', short: 'p', value: 'PORT', summary: 'Port for clients', fallback: '8080', env: 'PORT' },
    { name: 'host', value: 'ADDRESS', summary: 'Address for clients', fallback: '0.0.0.0' },
    { name: 'ops-port', value: 'PORT', summary: "Port for /metrics and the operator's page", fallback: '9464' },
    {
      name: 'ops-host',
      value: 'ADDRESS',
      summary: "Address for /metrics and the operator's page",
      fallback: '127.0.0.1',
    },
    { name: 'admin', summary: "Serve the operator's page; WAYBILL_ADMIN_TOKEN is required where others reach it" },
    { name: 'sweep-every', value: 'SECONDS', summary: 'Time between two sweeps; 0 for no sweeps', fallback: '60' },
    { name: 'grace', value: 'SECONDS', summary: 'Time to finish what is running after SIGTERM', fallback: '30' },
    { name: 'log', value: 'LEVEL', summary: `Log level: ${levels.join(', ')}`, fallback: 'info' },
  ],
  examples: [
    ['waybill serve --config uploads.js', 'starts on port 8080, with a ledger in ./waybill.db'],
    ['WAYBILL_LEDGER=postgres://app@db/waybill waybill serve', 'starts one of several replicas'],
    ['waybill serve --admin', "also serves the operator's page on http://127.0.0.1:9464"],
  ],
  exits: [
    [exitCodes.done, 'stopped, and everything that was running is finished'],
    [exitCodes.failed, 'stopped, and something that was running was cut off'],
    [exitCodes.usage, 'the command line or the configuration is wrong'],
    [exitCodes.environment, 'it could not start: a variable, a port, the storage or the ledger'],
  ],
  run: serve,
};

async function serve(input: CommandInput, terminal: Terminal): Promise<number> {
  const settings = readSettings(input);
  const logger = createLogger(settings.level, { write: (line) => terminal.out(line.trimEnd()) });
  const metrics = createMetrics();
  const config = input.option('config') ?? 'uploads.js';
  const onEvent = (event: UploadsEvent) => {
    logEvent(logger, event);
    metrics.onEvent(event);
  };
  const app = await openApp({ config, onEvent, wrapStorage: metrics.wrapStorage }, terminal);
  const { uploads } = app;
  const servers: Server[] = [];
  let isClean = true;
  try {
    metrics.watchLedger(app.ledger);
    await uploads.preload();
    await checkStorage(uploads, terminal);
    const readiness = createReadiness(app);
    const main = createMainServer(uploads, readiness);
    const listening = await openServers({ app, settings, logger, metrics, readiness, main, servers });
    const stopBackground = startBackground(app, settings, logger, metrics);
    logger.info({ ...listening.facts, ledger: app.ledger?.kind ?? 'none' }, 'ready');
    terminal.err(`Listening on ${listening.main}; metrics on ${listening.ops}/metrics`);
    await waitForInterrupt(terminal);
    logger.info('ending');
    readiness.setNotReady();
    // The running requests end first, because they may start work in the background, which `uploads.idle()` waits for.
    const deadline = Date.now() + settings.graceMs;
    const stopped = stopBackground();
    stopped.catch((error) => logger.error({ reason: describeError(error) }, 'upkeep.failed'));
    const isAnswered = await endServer(main, settings.graceMs);
    const isIdle = await finishesWithin(Math.max(deadline - Date.now(), 0), Promise.all([stopped, uploads.idle()]));
    isClean = isAnswered && isIdle;
  } finally {
    for (const server of servers) await endServer(server, 0);
    await app.close();
  }
  logger.info({ clean: isClean }, 'ended');
  return isClean ? exitCodes.done : exitCodes.failed;
}

interface ServerParts {
  app: App;
  settings: Settings;
  logger: Logger;
  metrics: Metrics;
  readiness: Readiness;
  main: Server;
  /** Receives each server once it listens. */
  servers: Server[];
}

/** Starts the server for clients and the one for operators. */
async function openServers(parts: ServerParts) {
  const { app, settings, logger, metrics, readiness, main, servers } = parts;
  const { host, opsHost } = settings;
  const hostNames = opsHostNames(opsHost, app.variables);
  const onAdminError = (error: unknown) => logger.error({ reason: describeError(error) }, 'admin.failed');
  const admin = settings.admin ? await openAdmin(app, opsHost, hostNames, onAdminError) : undefined;
  const ops = createOpsServer({ metrics, readiness, admin, hostNames });
  const port = await listen(servers, main, settings.port, host);
  const opsPort = await listen(servers, ops, settings.opsPort, opsHost);
  // Accepting a connection can fail, for example with too many open files. The server continues to run.
  for (const server of servers)
    server.on('error', (error) => logger.error({ reason: describeError(error) }, 'server.failed'));
  const facts = { host, port, opsHost, opsPort };
  return { facts, main: formatOrigin(host, port), ops: formatOrigin(opsHost, opsPort) };
}

/** Starts the sweep, the delivery of webhooks and the polling of a queue. @returns a function that stops them */
function startBackground(
  { uploads, variables }: App,
  settings: Settings,
  logger: Logger,
  metrics: Metrics,
): () => Promise<unknown> {
  const onError = (error: unknown) => logger.error({ reason: describeError(error) }, 'upkeep.failed');
  const queueUrl = variables.get('WAYBILL_EVENTS_SQS_URL');
  const upkeep = startUpkeep(uploads, {
    everySeconds: settings.sweepEverySeconds,
    onReport: metrics.onSweep,
    onDelivery: ({ outcome, ...facts }) => {
      metrics.onDelivery(outcome);
      logger[outcome === 'delivered' ? 'info' : 'warn']({ ...facts, outcome }, 'webhook');
    },
    ...(queueUrl ? { eventQueue: sqsQueue({ queueUrl }) } : {}),
    onError,
  });
  return upkeep.stop;
}

/**
 * The host names that operators and Prometheus may use: the address, the name of the machine, and the configured ones.
 */
function opsHostNames(opsHost: string, variables: Variables): string[] {
  return [opsHost, hostname(), ...variables.list('WAYBILL_OPS_HOSTS')].map((name) => name.toLowerCase());
}

async function openAdmin(
  app: App,
  opsHost: string,
  hostNames: readonly string[],
  onError: (error: unknown) => void,
): Promise<Hono> {
  if (!app.ledger)
    throw new CliError("The operator's page reads the ledger, and there is no ledger.", {
      hint: 'Set WAYBILL_LEDGER to a database.',
    });
  const token = app.variables.get('WAYBILL_ADMIN_TOKEN');
  if (!isLoopback(opsHost) && !token)
    throw new CliError(`${opsHost} can be reached by others, so the operator's page needs WAYBILL_ADMIN_TOKEN.`);
  if (token !== undefined && token.length < 16)
    throw new CliError('WAYBILL_ADMIN_TOKEN is too short. Use at least 16 random characters.');
  const { createAdmin } = await import('../admin/index.ts');
  return createAdmin({ uploads: app.uploads, ledger: app.ledger, hostNames, token, onError });
}

async function listen(servers: Server[], server: Server, port: number, host: string): Promise<number> {
  await listenOn({ port, movable: false }, host, async (at) => {
    const failed = once(server, 'error').then(([error]) => Promise.reject(error as Error));
    server.listen(at, host);
    await Promise.race([once(server, 'listening'), failed]);
    // The handler in `openServers` logs later errors.
    failed.catch(() => {});
  });
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(input: CommandInput) {
  const level = input.option('log') ?? 'info';
  if (!(levels as readonly string[]).includes(level))
    throw new CliError(`"${level}" is not a log level. Levels: ${levels.join(', ')}.`);
  return {
    level,
    port: parsePort(input.option('port') ?? '8080'),
    host: parseHost(input.option('host') ?? '0.0.0.0'),
    opsPort: parsePort(input.option('ops-port') ?? '9464'),
    opsHost: parseHost(input.option('ops-host') ?? '127.0.0.1'),
    admin: input.has('admin'),
    sweepEverySeconds: parseSeconds('sweep-every', input.option('sweep-every') ?? '60'),
    graceMs: parseSeconds('grace', input.option('grace') ?? '30') * 1000,
  };
}

function parseHost(host: string): string {
  if (!/^[\w.:-]+$/.test(host)) throw new CliError(`"${host}" is not an address to listen on.`);
  return host;
}

function parseSeconds(name: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new CliError(`--${name} must be a whole number of seconds, not "${text}".`);
  return Number(text);
}

function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
