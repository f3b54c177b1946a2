/**
 * The second entry point of this module, for the other modules of this package. It is not in the exports map of the
 * package.
 */
export { plainRequest, webResponse } from './http/fetch.ts';
