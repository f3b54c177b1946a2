import type { WaybillError } from '../../protocol/index.ts';
import type { Config } from '../config.ts';
import type { Operation } from '../events.ts';
import { requireAllowedOrigin } from './origins.ts';
import type { PlainRequest } from './plain-request.ts';
import { readJson } from './read-json.ts';

/** One request under way. */
export interface Call {
  request: PlainRequest;
  operation: Operation;
  /** What the path names: a route or a ref. */
  target: string;
  bytesIn: number;
  requestId: () => string;
  /** Tells of an error that is part of the answer. */
  failed: (error: WaybillError) => void;
}

/** The body of a state-changing call, from someone who may make it. */
export function jsonBody({ config }: { config: Config }, call: Call): Promise<unknown> {
  requireAllowedOrigin(config, call.request);
  return readJson(call.request, config.maxBodyBytes, call);
}
