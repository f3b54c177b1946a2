import type { CompleteUpload } from './complete.ts';
import type { Config } from './config.ts';
import type { Emit } from './events.ts';
import type { Grants } from './grants.ts';
import type { Markers } from './markers.ts';
import type { TakeRandom } from './random-pool.ts';
import type { ViewRefs } from './view-refs.ts';

/** The pieces that `createUploads` puts together, for those that work with several of them. */
export interface Room {
  config: Config;
  grants: Grants;
  refs: ViewRefs;
  markers: Markers;
  random: TakeRandom;
  emit: Emit | undefined;
  complete: CompleteUpload;
  settled: (uploadId: string) => Promise<void>;
}
