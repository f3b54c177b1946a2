import type { AnyRoute, UploadsOptions } from '../../server/index.ts';

export interface AppConfig {
  routes: Record<string, AnyRoute>;
  /** The options of `createUploads`, without those that come from the environment. */
  options: Partial<UploadsOptions>;
}
