/** All of a signature that stays the same for a second. */
import { amzDateOf } from './dates.ts';
import { encodeComponent } from './encode.ts';
import { algorithm, createSigner } from './sign.ts';
import { signingKeyOf } from './signing-key.ts';
import type { Credentials } from './types.ts';

export interface Moment {
  readonly credentials: Credentials;
  /** Milliseconds since the epoch, whole seconds. */
  readonly ms: number;
  readonly amzDate: string;
  /** `day/region/s3/aws4_request` */
  readonly scope: string;
  /** `accessKeyId/scope` */
  readonly credential: string;
  /** Signs a text that is ASCII. */
  readonly sign: (text: string) => string;
  /** A presigned URL's query up to the value of X-Amz-Expires. */
  readonly queryHead: string;
  /** From there to the value of X-Amz-SignedHeaders. */
  readonly queryMiddle: string;
  /** ISO 8601 of this moment plus so many seconds. */
  isoAfter(seconds: number): string;
}

/** A key lasts for a day, a moment for a second. */
const signers = new WeakMap<Buffer, (text: string) => string>();

function signerOf(key: Buffer): (text: string) => string {
  let signer = signers.get(key);
  if (!signer) {
    signer = createSigner(key);
    signers.set(key, signer);
  }
  return signer;
}

/** @returns a function that remembers the last moment, so that a busy second is computed once */
export function createMoments(region: string): (credentials: Credentials, ms: number) => Moment {
  let last: Moment | undefined;
  return (credentials, ms) => {
    const second = ms - (ms % 1000);
    if (last?.ms !== second || last.credentials !== credentials) last = momentOf(credentials, second, region);
    return last;
  };
}

function momentOf(credentials: Credentials, ms: number, region: string): Moment {
  const amzDate = amzDateOf(ms);
  const day = amzDate.slice(0, 8);
  const scope = `${day}/${region}/s3/aws4_request`;
  const credential = `${credentials.accessKeyId}/${scope}`;
  const token = credentials.sessionToken;
  let after = -1;
  let iso = '';
  return {
    credentials,
    ms,
    amzDate,
    scope,
    credential,
    sign: signerOf(signingKeyOf(credentials, day, region)),
    queryHead: `X-Amz-Algorithm=${algorithm}&X-Amz-Credential=${encodeComponent(credential)}&X-Amz-Date=${amzDate}&X-Amz-Expires=`,
    queryMiddle: `${token ? `&X-Amz-Security-Token=${encodeComponent(token)}` : ''}&X-Amz-SignedHeaders=`,
    isoAfter(seconds) {
      if (seconds !== after) {
        after = seconds;
        iso = new Date(ms + seconds * 1000).toISOString();
      }
      return iso;
    },
  };
}
