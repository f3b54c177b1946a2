import {
  booleanRule,
  functionRule,
  isListOf,
  isMatchingText,
  isObject,
  type OptionRule,
  type OptionTable,
  wholeNumberRule,
} from '../protocol/internal.ts';
import type { Credentials } from '../s3/index.ts';
import type { CorsRule } from './cors-rules.ts';
import type { StoreFault } from './fault-injector.ts';
import type { RequestReport } from './serve.ts';

export interface DevstoreCredentials extends Credentials {
  /** The account, 12 digits. Keys of one account share its buckets. @default '000000000000' @example '123456789012' */
  accountId?: string;
}

export interface DevstoreOptions {
  /**
   * The folder for all data. It is created when missing. Only one devstore may use it at a time. @example
   * '.waybill/devstore'
   */
  dir: string;
  /**
   * The access keys that requests may be signed with. At least one. @example [{ accessKeyId: 'dev', secretAccessKey:
   * 'devsecret' }]
   */
  credentials: readonly DevstoreCredentials[];
  /** The region that requests must be signed for. @default 'us-east-1' @example 'eu-west-1' */
  region?: string;
  /**
   * Buckets to create at start when missing, owned by the account of the first credentials. @default [] @example
   * ['uploads']
   */
  buckets?: readonly string[];
  /**
   * CORS rules of `buckets`; an empty list removes them. @default the stored rules @example [{ allowedOrigins:
   * ['http://localhost:5173'], allowedMethods: ['GET', 'PUT', 'POST'], allowedHeaders: ['*'] }]
   */
  cors?: readonly CorsRule[];
  /**
   * Deliberate faults, for tests: delays, dropped connections, wrong clocks. @default none @example { probability: 0.2,
   * slowDown: {} }
   */
  faults?: StoreFault | readonly StoreFault[];
  /**
   * Host names for virtual-host requests (`bucket.host`). @default localhost, s3.localhost, s3.amazonaws.com @example
   * ['s3.test']
   */
  hosts?: readonly string[];
  /** Sync files to the disk before the response. @default false @example true */
  durable?: boolean;
  /**
   * `opaque`: ETags are not MD5s, as in buckets of AWS that encrypt with KMS. It saves half of the processor time of a
   * large upload with a SHA-256. @default 'md5' @example 'opaque'
   */
  etags?: 'md5' | 'opaque';
  /** A client that sends nothing for this long gets RequestTimeout, in milliseconds. @default 30_000 @example 5_000 */
  idleTimeoutMs?: number;
  /** Milliseconds since the epoch. @default Date.now */
  now?: () => number;
  /** 0 <= n < 1, for the probability of faults and for request ids. @default Math.random */
  random?: () => number;
  /**
   * Called after each request, for logs and tests. @default none @example ({ method, key, status }) =>
   * console.log(method, key, status)
   */
  onRequest?: (report: RequestReport) => void;
  /** Called for unexpected errors, which clients see as InternalError. @default ignored @example console.error */
  onError?: (error: unknown) => void;
}

const isText = isMatchingText(/./);
const isAccountId = isMatchingText(/^\d{12}$/);
const maxTimeoutMs = 2_147_483_647;

export const devstoreOptions: OptionTable<DevstoreOptions> = {
  dir: { expected: 'the path of a folder', isValid: isText, required: true },
  credentials: {
    expected: 'a list with at least one access key: `accessKeyId`, `secretAccessKey`, and `accountId` of 12 digits',
    isValid: isListOf(isAccessKey),
    required: true,
  },
  region: { expected: "a region such as 'us-east-1'", isValid: isText },
  buckets: listRule('the names of buckets', isText),
  cors: listRule('CORS rules', isObject),
  faults: { expected: 'a fault or a list of faults', isValid: isObject },
  hosts: listRule('host names', isText),
  durable: booleanRule,
  etags: { expected: "'md5' or 'opaque'", isValid: (value) => value === 'md5' || value === 'opaque' },
  idleTimeoutMs: wholeNumberRule(1, maxTimeoutMs),
  now: functionRule,
  random: functionRule,
  onRequest: functionRule,
  onError: functionRule,
};

/** The list may be empty. */
function listRule(items: string, isItem: OptionRule['isValid']): OptionRule {
  return { expected: `a list of ${items}`, isValid: (value) => Array.isArray(value) && value.every(isItem) };
}

function isAccessKey(value: unknown): boolean {
  const { accessKeyId, secretAccessKey, accountId } = (value ?? {}) as Partial<Record<string, unknown>>;
  return isText(accessKeyId) && isText(secretAccessKey) && (accountId === undefined || isAccountId(accountId));
}
