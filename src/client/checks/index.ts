/**
 * checks: the law of ../../protocol on limits, and types by extension. Loaded only when a file has no type, or is about
 * to be refused and its owner deserves the exact words.
 */
export { checkLimits } from '../../protocol/limits.ts';
export { contentTypeOf } from './content-type.ts';
