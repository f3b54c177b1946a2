/** Events that wait in a queue: read, handled, and deleted only then. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isWaybillError, WaybillError } from '../../protocol/index.ts';
import { loadOnce } from '../../s3/internal.ts';

export interface QueueMessage {
  /** As the storage wrote it. */
  body: string;
  /** What the queue calls it. */
  handle: string;
}

/** Any queue that hides what it hands out for a while, and hands it out again unless it was deleted. */
export interface EventQueue {
  /** Waits for messages, at most ten; none after a while. */
  receive(signal: AbortSignal): Promise<QueueMessage[]>;
  delete(handle: string): Promise<void>;
}

export interface PollOptions {
  /** What `createUploads` returned. @example uploads */
  uploads: { handleStorageEvent(event: unknown): Promise<unknown> };
  /** Where the storage's events wait. @example sqsQueue({ queueUrl, region: 'eu-west-1' }) */
  queue: EventQueue;
  /**
   * Called for a message that could not be handled, and for a queue that did not answer. Such a message comes again;
   * one that can never be handled (no JSON) is deleted. A queue that cannot be opened at all (`config_invalid`) ends
   * the polling.
   * @default ignored @example console.error
   */
  onError?: (error: unknown) => void;
}

export interface Polling {
  /** Resolves when what it was at is done. */
  stop(): Promise<void>;
}

const firstBackoffMs = 1000;
const longestBackoffMs = 60_000;

/**
 * @example
 * const polling = pollStorageEvents({ uploads, queue: sqsQueue({ queueUrl }) });
 */
export function pollStorageEvents({ uploads, queue, onError }: PollOptions): Polling {
  const stopping = new AbortController();
  const { signal } = stopping;

  function report(error: unknown): void {
    try {
      onError?.(error);
    } catch {
      // Its own to report.
    }
  }

  async function handle(message: QueueMessage): Promise<void> {
    try {
      await uploads.handleStorageEvent(JSON.parse(message.body));
    } catch (error) {
      report(error);
      const hopeless = error instanceof SyntaxError || (isWaybillError(error) && error.code === 'invalid_request');
      // Hidden for a while, and then handed out again.
      if (!hopeless) return;
    }
    await queue.delete(message.handle);
  }

  async function run(): Promise<void> {
    let backoffMs = firstBackoffMs;
    while (!signal.aborted) {
      try {
        const messages = await queue.receive(signal);
        // None is left behind at work when another could not be deleted.
        for (const outcome of await Promise.allSettled(messages.map(handle)))
          if (outcome.status === 'rejected') throw outcome.reason;
        backoffMs = firstBackoffMs;
      } catch (error) {
        if (signal.aborted) return;
        report(error);
        if (isWaybillError(error) && error.code === 'config_invalid') return;
        await sleep(backoffMs, undefined, { signal }).catch(() => {});
        backoffMs = Math.min(longestBackoffMs, backoffMs * 2);
      }
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

export interface SqsQueueOptions {
  /** The queue. @example 'https://sqs.eu-west-1.amazonaws.com/123456789012/uploads' */
  queueUrl: string;
  /** The queue's region. @default where the AWS SDK finds one @example 'eu-west-1' */
  region?: string;
  /** Another server that speaks SQS. @default AWS's @example 'http://127.0.0.1:9324' */
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

/** Amazon SQS, through the optional peer `@aws-sdk/client-sqs`. */
export function sqsQueue({ queueUrl, ...settings }: SqsQueueOptions): EventQueue {
  const opened = loadOnce(async () => {
    const peer = '@aws-sdk/client-sqs';
    // Bundlers leave this to Node: the peer is optional, and they would fail where it is not installed.
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
