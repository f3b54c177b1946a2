import type { Claims } from './claims.ts';
import type { Deletion, EndEffects, Ending, UploadRecord } from './ledger.ts';

/** Chooses what is recorded together with the end of an upload, by the callbacks of its route and the webhooks. */
export interface ChooseEffects {
  ofEnding(claims: Claims, ending: Ending): EndEffects;
  ofDeletion(record: UploadRecord, deletion: Deletion): EndEffects;
}
