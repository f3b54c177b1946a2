/** The parts of a signature that stay the same for one second, computed once per second. */
import { formatAmzDate } from './dates.ts';
import { encodeComponent } from './encode.ts';
import { algorithm, createSigner } from './sign.ts';
import { getSigningKey } from './signing-key.ts';
import type { Credentials } from './types.ts';

export interface SigningTime {
  readonly credentials: Credentials;
  /** Milliseconds since the epoch, whole seconds. */
  readonly ms: number;
  readonly amzDate: string;
  /** `day/region/s3/aws4_request` */
  readonly scope: string;
  /** `accessKeyId/scope` */
  readonly credential: string;
  /** Returns the signature of an ASCII text. */
  readonly sign: (text: string) => string;
  /** The beginning of the query of a presigned URL, up to the value of X-Amz-Expires. */
  readonly queryHead: string;
  /** The query from the end of X-Amz-Expires up to the value of X-Amz-SignedHeaders. */
  readonly queryMiddle: string;
  /** This time plus `seconds`, in ISO 8601. */
  isoAfter(seconds: number): string;
}

/** Signers by signing key. A key is used for a whole day. */
const signers = new WeakMap<Buffer, (text: string) => string>();

function getSigner(key: Buffer): (text: string) => string {
  let signer = signers.get(key);
  if (!signer) {
    signer = createSigner(key);
    signers.set(key, signer);
  }
  return signer;
}

/** @returns a function that computes the signing time once per second and credentials */
export function createSigningTimes(region: string): (credentials: Credentials, ms: number) => SigningTime {
  let last: SigningTime | undefined;
  return (credentials, ms) => {
    const second = ms - (ms % 1000);
    if (last?.ms !== second || last.credentials !== credentials) last = computeSigningTime(credentials, second, region);
    return last;
  };
}

function computeSigningTime(credentials: Credentials, ms: number, region: string): SigningTime {
  const amzDate = formatAmzDate(ms);
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
    sign: getSigner(getSigningKey(credentials, day, region)),
    queryHead:
      `X-Amz-Algorithm=${algorithm}&X-Amz-Credential=${encodeComponent(credential)}` +
      `&X-Amz-Date=${amzDate}&X-Amz-Expires=`,
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
