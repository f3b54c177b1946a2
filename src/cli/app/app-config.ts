import type { AnyRoute, UploadsOptions } from '../../server/index.ts';

export interface AppConfig {
  routes: Record<string, AnyRoute>;
  /** What a module exports as `options`: everything but what the environment says. */
  options: Partial<UploadsOptions>;
}
