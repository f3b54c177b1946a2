/**
 * The second entry point of this module, for the other modules of this package. It is not in the exports map of the
 * package: the rules and types that a ledger implements, and helpers of adapters and the command line.
 */
export { plainRequest, webResponse } from './http/fetch.ts';
export { bodyReadBefore } from './http/read-json.ts';
export { instrumentStorage } from './shared/instrument.ts';
export {
  type EndEffects,
  type Ending,
  type GrantOutcome,
  type LeaseResult,
  mayFollow,
  type NewUpload,
  type NewWebhook,
  type QuotaRefusal,
  stateTransitions,
} from './state/ledger.ts';
