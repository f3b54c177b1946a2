/**
 * storage-events: the storage reports that an object was created. The sender must know the secret, or be SNS with a
 * valid signature. An event only causes a look at the object, as if its client had completed the upload (attack G3).
 */
import * as v from 'valibot';
import { type ErrorCode, type ErrorKind, errorTable, isWaybillError, WaybillError } from '../../protocol/index.ts';
import { classifyCompletion } from '../completion/outcome.ts';
import type { CompletionService } from '../completion/service.ts';
import type { Config } from '../config.ts';
import type { Emit } from '../events.ts';
import { createSecretCheck } from '../shared/known-secret.ts';
import { mapLimited } from '../shared/map-limited.ts';
import { uploadIdOfStagedObject } from '../shared/staging-key.ts';
import { parseEvents, type StorageEvent, snsMessage } from './formats.ts';
import { createSns } from './sns.ts';

export interface StorageEventResult {
  /** Events in the message. */
  received: number;
  /** Files that were completed now or earlier. */
  completed: number;
  /** Events of other buckets or prefixes, deletions, and objects that are not uploads or have already been handled. */
  ignored: number;
  /** Objects that were rejected. */
  rejected: number;
}

/** One request to `POST /events`. */
export interface EventRequest {
  /** `name` is lower case. */
  header: (name: string) => string | undefined;
  /** Without `?`. */
  query: string;
  /** The body as JSON, of any content type. */
  readBody(): Promise<unknown>;
  /** Counts a refused request for the rate limit of its address. @throws {WaybillError} `rate_limited` */
  countRefusal(): Promise<void>;
}

export interface StorageEvents {
  /** @throws {WaybillError} `invalid_request` for an unknown format, and retryable errors */
  handle(event: unknown): Promise<StorageEventResult>;
  /** The same for an HTTP request, which must contain the secret or be signed by SNS. */
  receive(request: EventRequest): Promise<StorageEventResult | { confirmed: true }>;
}

const parallel = 8;

/** Errors of a request from an unknown sender. Other errors are failures to reach SNS. */
const kindsOfUnknownSender: ReadonlySet<ErrorKind> = new Set(['auth', 'pending']);

export function createStorageEvents(
  { config, emit }: { config: Config; emit: Emit | undefined },
  completion: Pick<CompletionService, 'completeObject'>,
): StorageEvents {
  const { storage, stagingPrefix } = config;
  const { events: options } = config;
  const isSecret = createSecretCheck(() => options?.secrets() ?? []);
  const sns = options?.sns && createSns(options.sns, config.now);

  /** @throws errors that may not occur when the sender tries again */
  async function handle(events: readonly StorageEvent[]): Promise<StorageEventResult> {
    const keys = new Set(
      events.flatMap(({ bucket, key, created }) =>
        created && bucket === storage.bucket && uploadIdOfStagedObject(stagingPrefix, key) !== null ? [key] : [],
      ),
    );
    const result: StorageEventResult = { received: events.length, completed: 0, ignored: 0, rejected: 0 };
    const failures: unknown[] = [];
    await mapLimited([...keys], parallel, async (key) => {
      try {
        const outcome = await classifyCompletion(() => completion.completeObject(key));
        if (outcome === 'completed') result.completed += 1;
        if (outcome === 'rejected') result.rejected += 1;
        // The sweep or a repeated event tries again.
        if (outcome === 'callbacksFailed' && !config.ledger)
          throw new WaybillError('callback_failed', 'The file has arrived, but could not be processed yet.');
      } catch (error) {
        if (isWaybillError(error) && error.code === 'upload_not_found') return;
        failures.push(error);
      }
    });
    result.ignored = result.received - result.completed - result.rejected - failures.length;
    emit?.('storage.event', { ...result, failed: failures.length > 0 });
    if (failures.length > 0) throw failures[0];
    return result;
  }

  /** Requests of the storage are not limited by address; requests of unknown senders are. */
  async function countRefused({ countRefusal }: EventRequest, code: ErrorCode): Promise<void> {
    emit?.('storage.event_refused', { code });
    await countRefusal();
  }

  return {
    handle: (json: unknown) => handle(parseEvents(json)),

    async receive(request) {
      if (!options)
        throw new WaybillError(
          'route_not_found',
          'This server takes no storage events: set `events` of createUploads().',
        );
      const trusted = findSecrets(request).some(isSecret);
      const body = trusted || sns ? await request.readBody() : undefined;
      const isSns = v.is(snsMessage, body);
      if (!trusted)
        try {
          if (!isSns || !sns) throw unauthenticated();
          await sns.verify(body);
        } catch (error) {
          if (isWaybillError(error) && kindsOfUnknownSender.has(errorTable[error.code].kind))
            await countRefused(request, error.code);
          throw error;
        }
      if (isSns && sns && body.Type === 'SubscriptionConfirmation') {
        if (trusted) await sns.verify(body);
        await sns.confirm(body);
        return { confirmed: true };
      }
      return handle(parseEvents(body));
    },
  };
}

/** The texts in a request that may be the secret: storages differ in where they can send it. */
function findSecrets({ header, query }: EventRequest): string[] {
  const authorization = header('authorization') ?? '';
  const bearer = /^Bearer (.+)$/i.exec(authorization)?.[1];
  const basic = /^Basic (.+)$/i.exec(authorization)?.[1];
  const given = [
    bearer,
    // MinIO sends its token unchanged.
    bearer === undefined && basic === undefined ? authorization : undefined,
    basic &&
      Buffer.from(basic, 'base64')
        .toString()
        .replace(/^[^:]*:/, ''),
    header('x-waybill-events-secret'),
    new URLSearchParams(query).get('secret') ?? undefined,
  ];
  return given.filter((one): one is string => one !== undefined && one !== '');
}

function unauthenticated(): WaybillError {
  return new WaybillError(
    'unauthenticated',
    'Storage events need the secret of `events.secret`, or a signature of SNS.',
  );
}
