/**
 * Runs the upload of one file, and can stop and continue it. steps.ts has the order of the steps. single.ts and
 * multipart/ perform them, in one request or in parts. recovery/ decides what follows after a failure. The last three
 * are loaded with the first file that needs them, and get the shared code through tools.ts.
 */
import type { RouteInfo, WaybillError } from '../protocol/index.ts';
import { readRange } from './checksum.ts';
import type { ClientContext, DeclaredFile } from './context.ts';
import { throwNetworkError, toFailure } from './errors.ts';
import type { Recovery } from './recovery/index.ts';
import type { OpenSource } from './source.ts';
import { type Outcome, type Report, type Run, runSteps, type Steps } from './steps.ts';
import { tools, waitForNetwork } from './tools.ts';
import type { Decide, Transfer } from './transfer.ts';
import type { Source, UploadResult } from './types.ts';

export interface Engine {
  /** Starts the upload, or continues it after a stop. @throws WaybillError, or the signal's reason */
  run(signal: AbortSignal, report: (report: Report) => void): Promise<UploadResult>;
  /** Gives the grant back to the server. */
  abort(): void;
}

/** Characters: a name of this length fits the 255 bytes of the protocol in UTF-8. */
const shortNameLength = 84;

/** What an upload needs from its start to its end. */
export interface FileToUpload {
  source: OpenSource;
  route: string;
  file: DeclaredFile;
  startOver: boolean | undefined;
  /** How many files were given in the same call. */
  count: number;
}

export function createEngine(context: ClientContext, given: FileToUpload): Engine {
  const { source } = given;
  const { size } = source;
  let transfer: Transfer | undefined;
  let current: Run | undefined;
  /** The content is checked once, also when the upload is stopped and continued. */
  let contentCheck: Promise<WaybillError | null> | undefined;

  async function load(run: Run, info: RouteInfo): Promise<Outcome> {
    if (context.checkContent && size) {
      contentCheck ??= context.checkContent(source as Source, given.file, info.limits).catch(() => null);
      run.report({ warning: await contentCheck });
    }
    transfer ??= await createTransfer(context, given, info);
    return transfer.load(run, info);
  }

  /**
   * @param firstLoad the request for the route, which was sent before the file waited for its place. When the request
   * fails, the first step fails
   */
  function createSteps(run: Run, firstLoad: Promise<RouteInfo>): Steps {
    let loading: Promise<RouteInfo> | undefined = firstLoad;
    let recovery: Recovery | undefined;
    return {
      async perform(step) {
        if (step !== 'load') return (transfer as Transfer)[step](run);
        const info = loading ?? loadRouteAndCheckFile(context, given, run.report);
        loading = undefined;
        return load(run, await info);
      },
      async recover(step, cause) {
        const error = toFailure(cause);
        recovery ??= await openRecovery(context, run, error);
        const { recover } = recovery;
        const decide: Decide = (error, single) => recover(run, step, error, single);
        const decision = await (transfer ? transfer.recover(step, error, decide) : decide(error));
        if (decision.action === 'fail') throw decision.error;
        run.report({ waiting: null });
        return decision.action;
      },
    };
  }

  return {
    async run(signal, report) {
      const run: Run = { signal, report, freePlace() {} };
      current = run;
      try {
        // The file is checked before it waits for its place, so that all files to be refused are refused at once.
        const loading = loadRouteAndCheckFile(context, given, report);
        preloadCode(context, source);
        const info = await loading.catch((error) => {
          if (!error.retryable) throw error;
        });
        const pool = info && isLarge(info, size) ? context.multipartPool : context.filePool;
        return await pool(size ?? 0, signal, async (freePlace) => {
          run.freePlace = freePlace;
          try {
            return await runSteps(run, createSteps(run, loading), context.onTransition);
          } finally {
            await transfer?.end?.();
          }
        });
      } catch (cause) {
        throw toFailure(cause);
      }
    },
    abort() {
      if (current) current.aborted = true;
      transfer?.abort();
    },
  };
}

/** Loads the code that sends the file in one request or in parts. */
async function createTransfer(
  context: ClientContext,
  { source, route, file, startOver }: FileToUpload,
  info: RouteInfo,
): Promise<Transfer> {
  const create = isLarge(info, source.size)
    ? (await import('./multipart/index.ts').catch(throwNetworkError)).createMultipart
    : (await import('./single.ts').catch(throwNetworkError)).createSingle;
  return create(tools, context, source as Source, route, file, startOver);
}

/** Loads the code of an upload now, while there is certainly a network. */
function preloadCode(context: ClientContext, source: OpenSource): void {
  import('./single.ts').catch(() => {});
  context
    .loadRecovery()
    .then(({ preload }) => preload(context, source))
    .catch(() => {});
}

/** Loads the route's rules, and checks the file against them. @throws WaybillError that the file is refused with */
async function loadRouteAndCheckFile(
  context: ClientContext,
  { source, route, file, count }: FileToUpload,
  report: Run['report'],
): Promise<RouteInfo> {
  const { size } = source;
  const { info } = await context.openRoute(route);
  // Browsers give an empty file and a vanished one the size 0; only reading tells them apart.
  if (size === 0) await readRange(source as Source, 0, 0);
  const { limits } = info;
  // If the quick check does not clearly pass, load the full rules.
  if (
    size === null ||
    !(size >= limits.minBytes && size <= limits.maxBytes) ||
    limits.extensions ||
    count > limits.maxFiles ||
    file.fileName.length > shortNameLength
  ) {
    const { checkFile, shorten } = await import('./checks/index.ts').catch(throwNetworkError);
    file.fileName = shorten(file.fileName);
    report({ fileName: file.fileName });
    const refusal = checkFile(limits, file, size, count);
    if (refusal) throw refusal;
  }
  return info;
}

/**
 * Loads the recovery code. While it cannot be loaded and the platform reports no connection, waits and tries again.
 *
 * @throws the given error when the code cannot be loaded although the platform reports a connection
 */
async function openRecovery(context: ClientContext, run: Run, error: WaybillError): Promise<Recovery> {
  for (let tries = 0; ; tries++) {
    const module = await context.loadRecovery().catch(() => {});
    run.signal.throwIfAborted();
    if (module) return module.createRecovery(tools, context);
    if (!(await waitForNetwork(context, run, tries))) throw error;
  }
}

function isLarge({ transfers, multipartMinBytes }: RouteInfo, size: number | null): boolean {
  return size === null || (transfers.includes('multipart') && size >= multipartMinBytes);
}
