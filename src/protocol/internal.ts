/**
 * The second entry point of this module, for the other modules of this package. It is not in the exports map of the
 * package.
 */
export {
  booleanRule,
  checkOptions,
  functionRule,
  isListOf,
  isMatchingText,
  isObject,
  isWholeNumber,
  type OptionRule,
  type OptionTable,
  wholeNumberRule,
} from './check-options.ts';
