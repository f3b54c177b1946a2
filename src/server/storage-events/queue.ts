/** Storage events that arrive in a queue. A message is deleted only after it was handled. */
import { isWaybillError, WaybillError } from '../../protocol/index.ts';
import { checkOptions, isMatchingText, isObject, type OptionTable } from '../../protocol/internal.ts';
import { loadOnce } from '../../s3/internal.ts';
import { type Background, startBackground } from '../shared/background.ts';

export interface QueueMessage {
  /** The event as the storage wrote it. */
  body: string;
  /** Identifies the message for {@link EventQueue.delete}. */
  handle: string;
}

/** Any queue that hides a received message for a while, and then delivers it again unless it was deleted. */
export interface EventQueue {
  /** Waits a limited time for messages, and returns at most ten. */
  receive(signal: AbortSignal): Promise<QueueMessage[]>;
  delete(handle: string): Promise<void>;
}

const firstRetryMs = 1000;
const maxRetryMs = 60_000;

/**
 * Handles the storage events of a queue until it is stopped. `startUpkeep({ eventQueue })` calls it.
 *
 * @param onError called when a message could not be handled or the queue did not answer
 */
export function pollQueue(
  queue: EventQueue,
  uploads: { handleStorageEvent(event: unknown): Promise<unknown> },
  onError: ((error: unknown) => void) | undefined,
): Background {
  function report(error: unknown): void {
    try {
      onError?.(error);
    } catch {
      // A listener that throws must not keep the message in the queue.
    }
  }

  async function handle(message: QueueMessage): Promise<void> {
    try {
      await uploads.handleStorageEvent(JSON.parse(message.body));
    } catch (error) {
      report(error);
      const canSucceedLater = !(
        error instanceof SyntaxError ||
        (isWaybillError(error) && error.code === 'invalid_request')
      );
      if (canSucceedLater) return;
    }
    await queue.delete(message.handle);
  }

  async function handleNextMessages(signal: AbortSignal): Promise<void> {
    const messages = await queue.receive(signal);
    // Waits for all, so that no message is still being handled when the next ones are received.
    for (const result of await Promise.allSettled(messages.map(handle)))
      if (result.status === 'rejected') throw result.reason;
  }

  return startBackground(handleNextMessages, {
    delayMs: (failures) => (failures === 0 ? 0 : Math.min(maxRetryMs, firstRetryMs * 2 ** (failures - 1))),
    isFinal: (error) => isWaybillError(error) && error.code === 'config_invalid',
    onError,
  });
}

export interface SqsQueueOptions {
  /** The queue. @example 'https://sqs.eu-west-1.amazonaws.com/123456789012/uploads' */
  queueUrl: string;
  /** The queue's region. @default where the AWS SDK finds one @example 'eu-west-1' */
  region?: string;
  /** Another server with the API of SQS. @default AWS's @example 'http://127.0.0.1:9324' */
  endpoint?: string;
  /**
   * Keys with `sqs:ReceiveMessage` and `sqs:DeleteMessage`.
   * @default the AWS SDK's default chain @example { accessKeyId: 'AKIA...', secretAccessKey: '...' }
   */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
}

interface Sqs {
  SQSClient: new (options: object) => { send(command: object, options?: object): Promise<unknown> };
  ReceiveMessageCommand: new (input: object) => object;
  DeleteMessageCommand: new (input: object) => object;
}

const isText = isMatchingText(/./);

const sqsQueueOptions: OptionTable<SqsQueueOptions> = {
  queueUrl: { expected: 'the URL of a queue', isValid: isText, required: true },
  region: { expected: 'a region such as "eu-west-1"', isValid: isText },
  endpoint: { expected: 'a URL such as "http://127.0.0.1:9324"', isValid: isText },
  credentials: { expected: 'an object with `accessKeyId` and `secretAccessKey`', isValid: isObject },
};

/**
 * A queue of Amazon SQS. It needs the package `@aws-sdk/client-sqs`.
 *
 * @example sqsQueue({ queueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/uploads', region: 'eu-west-1' })
 * @throws {WaybillError} `config_invalid` for an option that is unknown or not valid; at first use when the package is
 * not
 *   installed
 */
export function sqsQueue(options: SqsQueueOptions): EventQueue {
  checkOptions('sqsQueue()', options, sqsQueueOptions);
  const { queueUrl, ...settings } = options;
  const opened = loadOnce(async () => {
    const peer = '@aws-sdk/client-sqs';
    // Bundlers must leave this import to Node: they would fail where the optional peer is not installed.
    const sqs = (await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ peer).catch(
      (cause: unknown) => {
        throw new WaybillError('config_invalid', `sqsQueue() needs the package ${peer}: npm install ${peer}`, {
          cause,
        });
      },
    )) as Sqs;
    return { sqs, client: new sqs.SQSClient(settings) };
  });

  return {
    async receive(signal) {
      const { sqs, client } = await opened();
      const command = new sqs.ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 20,
      });
      const answer = (await client.send(command, { abortSignal: signal })) as {
        Messages?: { Body?: string; ReceiptHandle?: string }[];
      };
      return (answer.Messages ?? []).map(({ Body = '', ReceiptHandle = '' }) => ({
        body: Body,
        handle: ReceiptHandle,
      }));
    },
    async delete(handle) {
      const { sqs, client } = await opened();
      await client.send(new sqs.DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: handle }));
    },
  };
}
