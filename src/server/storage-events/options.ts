import type { SecretOption } from '../shared/secrets.ts';
import type { SnsOptions } from './sns.ts';

/** Storage events, once their options are checked. */
export interface ResolvedEvents {
  /** Reads and checks the secrets at first use; none where only SNS may send. @throws {WaybillError} `config_invalid` */
  secrets: () => readonly string[];
  sns: EventsOptions['sns'];
}

export interface EventsOptions {
  /**
   * What the sender must know: as `Authorization: Bearer`, as the header `x-waybill-events-secret`, as the password of
   * basic authentication, or, for senders that are only given a URL, as `?secret=`. At least 32 characters; a list
   * rotates. A function is called at first use, and an empty string is refused then, as with `secret` of `createUploads()`.
   * @default none: then `sns` is required @example () => process.env.EVENTS_SECRET ?? ''
   */
  secret?: SecretOption;
  /**
   * Accept the messages of these SNS topics, by their signature.
   * @default none: then `secret` is required @example { topicArns: ['arn:aws:sns:eu-west-1:123456789012:uploads'] }
   */
  sns?: SnsOptions;
}
