/** The rules of the options that both ledgers take. */
import { booleanRule, functionRule } from '../protocol/internal.ts';

export const commonOptions = { migrate: booleanRule, check: booleanRule, now: functionRule, onQuery: functionRule };

/** The longest time that a timer of Node takes. */
export const maxTimeoutMs = 2_147_483_647;
