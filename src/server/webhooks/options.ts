import { WaybillError } from '../../protocol/index.ts';
import { checkOptions, isListOf } from '../../protocol/internal.ts';
import { resolveSecrets, type Secret, type SecretOption } from '../shared/secrets.ts';

export interface WebhooksOptions {
  /**
   * The URL of the receiver, chosen by you and never by a user. It is an https URL, or an http URL on this machine, and
   * contains no user name and no password.
   * @example 'https://app.example/waybill'
   */
  url: string;
  /**
   * `whsec_` and 24 to 64 random bytes in base64, as in Standard Webhooks. With a list, every secret signs each
   * message, so that a secret can be replaced without a gap. A function is called at first use, and an empty string is
   * refused only then, so that a build without secrets can import the module.
   * @example () => process.env.WAYBILL_WEBHOOK_SECRET ?? ''
   */
  secret: SecretOption;
  /**
   * Which messages are sent: `upload.completed`, `upload.rejected`, `upload.expired`, `file.deleted`.
   * @default all @example ['upload.completed', 'file.deleted']
   */
  events?: readonly WebhookType[];
}

export const webhookTypes = ['upload.completed', 'upload.rejected', 'upload.expired', 'file.deleted'] as const;

export type WebhookType = (typeof webhookTypes)[number];

export interface ResolvedWebhooks {
  url: string;
  /** Reads and checks the secrets at first use. @throws {WaybillError} `config_invalid` */
  secrets: () => readonly string[];
  types: ReadonlySet<WebhookType>;
}

const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
const secretShape = /^whsec_([A-Za-z0-9+/]+={0,2})$/;

/** @throws {WaybillError} `config_invalid` */
export function checkWebhooks(webhooks: WebhooksOptions): ResolvedWebhooks {
  checkOptions('`webhooks`', webhooks, {
    url: { expected: 'an https URL, or http on this machine', isValid: isUrl, required: true },
    secret: {
      expected: '`whsec_` and 24 to 64 random bytes in base64, or a list of such secrets',
      // `resolveSecrets` checks the value, because an empty string is refused at first use only.
      isValid: () => true,
      required: true,
    },
    events: {
      expected: `a list of ${webhookTypes.join(', ')}`,
      isValid: isListOf((value) => (webhookTypes as readonly unknown[]).includes(value)),
    },
  });
  return {
    url: webhooks.url,
    secrets: resolveSecrets('webhooks.secret', webhooks.secret, checkWebhookSecrets),
    types: new Set(webhooks.events ?? webhookTypes),
  };
}

/**
 * Requires `publicUrl` for messages that contain a `file.url`. Their receiver is another process, which cannot resolve
 * a relative URL.
 *
 * @throws {WaybillError} `config_invalid`
 */
export function requirePublicUrl({ types }: Pick<ResolvedWebhooks, 'types'>, publicUrl: string): void {
  if (publicUrl !== '' || !types.has('upload.completed')) return;
  throw new WaybillError(
    'config_invalid',
    '`webhooks` need `publicUrl` (waybill serve: WAYBILL_PUBLIC_URL), such as https://uploads.example: without it the `file.url` in a message is relative, and its receiver is another process.',
  );
}

function isUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, hostname, username, password } = new URL(value);
  // fetch() refuses a URL with a user name and a password, and repeats them in its error message.
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && loopback.has(hostname));
}

function checkWebhookSecrets(option: string, given: Secret): readonly string[] {
  const secrets = [given].flat();
  if (secrets.length === 0 || !secrets.every(isSecret))
    throw new WaybillError(
      'config_invalid',
      `\`${option}\` must be \`whsec_\` and 24 to 64 random bytes in base64, or a list of such secrets.`,
    );
  if (new Set(secrets).size !== secrets.length)
    throw new WaybillError('config_invalid', `\`${option}\` lists the same secret twice.`);
  return secrets;
}

function isSecret(value: unknown): boolean {
  const encoded = typeof value === 'string' && secretShape.exec(value)?.[1];
  if (!encoded) return false;
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.length >= 24 && bytes.length <= 64 && bytes.toString('base64') === encoded;
}
