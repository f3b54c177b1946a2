/**
 * The second entry point of this module, for the other modules of this package. It is not in the exports map of the
 * package.
 */
export { checkFile } from './checks/index.ts';
