import type { WaybillError } from '../../protocol/index.ts';
import type { Config } from '../config.ts';
import type { Operation } from '../events.ts';
import { requireAllowedOrigin } from './origins.ts';
import type { PlainRequest } from './plain-request.ts';
import { readJson } from './read-json.ts';

/** One request that is being answered. */
export interface Call {
  request: PlainRequest;
  operation: Operation;
  /** The route or the view reference in the path, or ''. */
  target: string;
  bytesIn: number;
  requestId: () => string;
  /** Emits an event for an error in the response. */
  reportError: (error: WaybillError) => void;
}

/** Reads the body of a request that changes state, after a check of its origin. */
export function readJsonBody({ config }: { config: Config }, call: Call): Promise<unknown> {
  requireAllowedOrigin(config, call.request);
  return readJson(call.request, config.maxBodyBytes, call);
}
