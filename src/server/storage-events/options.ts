import { WaybillError } from '../../protocol/index.ts';
import { checkOptions, functionRule, isListOf, isMatchingText, isObject } from '../../protocol/internal.ts';
import { resolveSecrets, type SecretOption, secretRule } from '../shared/secrets.ts';
import type { SnsOptions } from './sns.ts';
import { topicArn } from './topic-arn.ts';

export interface EventsOptions {
  /**
   * The secret that the sender must send: as `Authorization: Bearer`, as the header `x-waybill-events-secret`, as the
   * password of basic authentication, or, for senders that are only given a URL, as `?secret=`. At least 32 characters;
   * a list rotates. A function is called at first use, and an empty string is refused then, as with `secret` of
   * `createUploads()`.
   * @default none: then `sns` is required @example () => process.env.EVENTS_SECRET ?? ''
   */
  secret?: SecretOption;
  /**
   * Accept the messages of these SNS topics, by their signature.
   * @default none: then `secret` is required @example { topicArns: ['arn:aws:sns:eu-west-1:123456789012:uploads'] }
   */
  sns?: SnsOptions;
}

export interface ResolvedEvents {
  /** Reads and checks the secrets at first use; none when only SNS may send. @throws {WaybillError} `config_invalid` */
  secrets: () => readonly string[];
  sns: SnsOptions | undefined;
}

/** @throws {WaybillError} `config_invalid` */
export function checkEvents(events: EventsOptions): ResolvedEvents {
  checkOptions('`events`', events, {
    secret: secretRule,
    sns: { expected: 'an object with `topicArns`', isValid: isObject },
  });
  const { secret, sns } = events;
  if (secret === undefined && !sns)
    throw new WaybillError('config_invalid', '`events` needs `secret` or `sns`, so that senders can be verified.');
  if (sns)
    checkOptions('`events.sns`', sns, {
      topicArns: {
        expected: 'a list of topics: arn:aws:sns:...',
        isValid: isListOf(isMatchingText(topicArn)),
        required: true,
      },
      fetch: functionRule,
    });
  return { secrets: secret === undefined ? () => [] : resolveSecrets('events.secret', secret), sns };
}
