/**
 * Verifies that a message was signed by SNS and is of a configured topic. Certificates are requested from Amazon's
 * hosts only, so that no sender can make this server call another host (attack G6).
 * https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
 */
import { createVerify } from 'node:crypto';
import { isWaybillError, WaybillError } from '../../protocol/index.ts';
import type { SnsMessage } from './formats.ts';
import { topicArn } from './topic-arn.ts';

export interface SnsOptions {
  /** Topics whose messages are accepted. @example ['arn:aws:sns:eu-west-1:123456789012:uploads'] */
  topicArns: readonly string[];
  /**
   * Sends the requests to Amazon's hosts: for certificates, and to confirm a subscription.
   * @default fetch @example (url, init) => fetch(url, { ...init, dispatcher })
   */
  fetch?: typeof fetch;
}

export interface Sns {
  /** @throws {WaybillError} `forbidden` unless it is signed by SNS and of a topic of ours */
  verify(message: SnsMessage): Promise<void>;
  /** Confirms a subscription. */
  confirm(message: SnsMessage): Promise<void>;
}

const digests: Readonly<Record<string, string>> = { 1: 'RSA-SHA1', 2: 'RSA-SHA256' };
const signedFields = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
  UnsubscribeConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
} as const;
const maxCertificateBytes = 64 * 1024;
const timeoutMs = 5000;
const rememberedCertificates = 16;
/** Any sender can name an unknown certificate, so the number of requests for certificates is limited. */
const maxNewCertificates = 10;
const newCertificatesEveryMs = 60_000;

export function createSns({ topicArns, fetch: send = fetch }: SnsOptions, now: () => number): Sns {
  const topics = new Set(topicArns);
  const certificates = new Map<string, string>();
  const asked = new Map<string, Promise<string>>();
  let askedFor = 0;
  let askedSince = Number.NEGATIVE_INFINITY;

  function countNewCertificate(): void {
    const elapsed = now() - askedSince;
    if (elapsed >= newCertificatesEveryMs || elapsed < 0) {
      askedSince = now();
      askedFor = 0;
    }
    askedFor += 1;
    if (askedFor > maxNewCertificates)
      throw new WaybillError('rate_limited', 'Too many unknown certificates are named in a short time.', {
        retryAfterSeconds: newCertificatesEveryMs / 1000,
      });
  }

  async function get(url: string): Promise<string> {
    const response = await send(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    const text = await response.text();
    if (!response.ok || text.length > maxCertificateBytes) throw refused();
    return text;
  }

  async function certificate(url: string): Promise<string> {
    const known = certificates.get(url) ?? asked.get(url);
    if (known !== undefined) return known;
    countNewCertificate();
    const asking = get(url).finally(() => asked.delete(url));
    asked.set(url, asking);
    const pem = await asking;
    // Only certificates that SNS returned are kept, so that invented names displace none. The oldest is removed first.
    if (certificates.size >= rememberedCertificates) certificates.delete(certificates.keys().next().value as string);
    certificates.set(url, pem);
    return pem;
  }

  return {
    async verify(message) {
      const { SigningCertURL = '', Signature = '', SignatureVersion = '1' } = message;
      const digest = Object.hasOwn(digests, SignatureVersion) ? digests[SignatureVersion] : undefined;
      if (!topics.has(message.TopicArn) || !digest || !isAmazons(message.TopicArn, SigningCertURL, /^\/[\w.-]+\.pem$/))
        throw refused();
      const text = signedFields[message.Type]
        .flatMap((name) => (message[name] == null ? [] : [`${name}\n${message[name]}\n`]))
        .join('');
      const pem = await certificate(SigningCertURL).catch((cause: unknown) => {
        if (isWaybillError(cause) && cause.code === 'rate_limited') throw cause;
        throw new WaybillError('storage_unavailable', 'The certificate of the event could not be read.', { cause });
      });
      let valid = false;
      try {
        valid = createVerify(digest).update(text, 'utf8').verify(pem, Signature, 'base64');
      } catch {
        // The certificate or the signature cannot be parsed.
      }
      if (!valid) throw refused();
    },

    async confirm({ TopicArn, SubscribeURL = '' }) {
      if (!isAmazons(TopicArn, SubscribeURL, /^\/\?/)) throw refused();
      await get(SubscribeURL).catch((cause) => {
        throw new WaybillError('storage_unavailable', 'The subscription could not be confirmed.', { cause });
      });
    },
  };
}

/**
 * Whether the URL is on the host of SNS in the region of the topic. Other hosts of Amazon are not enough:
 * `sns.s3.amazonaws.com` is a bucket that any user could have created.
 */
function isAmazons(arn: string, url: string, pathAndQuery: RegExp): boolean {
  const [, partition, region] = topicArn.exec(arn) ?? [];
  if (!region || !URL.canParse(url)) return false;
  const { origin, username, password, pathname, search } = new URL(url);
  return (
    origin === `https://sns.${region}.amazonaws.com${partition === '-cn' ? '.cn' : ''}` &&
    username + password === '' &&
    pathAndQuery.test(pathname + search)
  );
}

function refused(): WaybillError {
  return new WaybillError('forbidden', 'The event is not signed by a topic of `events.sns.topicArns`.');
}
