import type { Config } from './config.ts';
import type { Emit } from './events.ts';
import type { FirstLook } from './first-look.ts';
import type { Grants } from './grants.ts';
import type { Later } from './later.ts';
import type { TakeRandom } from './random-pool.ts';
import type { ViewRef, ViewRefs } from './view-refs.ts';

/** The pieces that `createUploads` puts together, for those that work with several of them. */
export interface Room {
  config: Config;
  /** Throws `config_invalid` without a secret, as `refs` does. */
  readonly grants: Grants;
  readonly refs: ViewRefs;
  random: TakeRandom;
  emit: Emit | undefined;
  firstLook: FirstLook;
  /** The stable URL of a stored file. */
  viewUrl: (file: ViewRef) => string;
  /** What only comes after a grant, loaded when first asked for. */
  later: () => Promise<Later>;
}
