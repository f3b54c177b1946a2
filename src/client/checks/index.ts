/**
 * checks: the law of ../../protocol on limits, types by extension, names that are too long. Loaded only for a file that
 * has no type or a long name, or is about to be refused: then its owner deserves the exact words.
 */
export { checkLimits } from '../../protocol/limits.ts';
export { contentTypeOf } from './content-type.ts';
export { shorten } from './file-name.ts';
