import type { Later } from './completion/service.ts';
import type { Config } from './config.ts';
import type { Emit } from './events.ts';
import type { Grants } from './grants/grants.ts';
import type { FirstLook } from './grants/storage-probe.ts';
import type { TakeRandom } from './shared/random-pool.ts';
import type { ViewRef, ViewRefs } from './views/view-refs.ts';

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
