/** The interface that an upload in one request (single.ts) and an upload in parts (multipart/) implement. */
import type { RouteInfo, WaybillError } from '../protocol/index.ts';
import type { HashedSource } from './context.ts';
import type { Pool } from './pool.ts';
import type { Decision, Outcome, Run, Step } from './steps.ts';

/** The steps of an upload, and its state, which is kept between runs. */
export interface Transfer {
  load(run: Run, info: RouteInfo): Promise<Outcome>;
  begin(run: Run): Promise<Outcome>;
  send(run: Run): Promise<Outcome>;
  complete(run: Run): Promise<Outcome>;
  /** Decides what follows after a step has failed, and forgets the grant or the parts that can no longer be used. */
  recover(step: Step, error: WaybillError, decide: Decide): Promise<Decision>;
  /** Called at the end of each run. */
  end?(): Promise<void>;
  /** Gives the grant back to the server. */
  abort(): void;
}

/** Makes the decision that recovery/ makes for every upload. @param single for an upload in one request with a grant */
export type Decide = (error: WaybillError, single?: SingleRequest) => Promise<FailureDecision>;

export interface SingleRequest {
  bytes: HashedSource;
  connections: Pool;
}

export interface FailureDecision extends Decision {
  action: 'retry' | 'renew' | 'fail';
  /** With `fail`: what to do with the grant. With a kept grant, `retry()` continues where the upload stopped. */
  grant: 'keep' | 'forget' | 'give back';
}
