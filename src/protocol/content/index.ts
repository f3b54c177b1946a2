/** What a file's first bytes say of its declared type. */
export { contentMismatch, type Detector, headBytes } from './check.ts';
