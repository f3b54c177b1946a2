/** Checks the declared type of a file against its first bytes. */
import { decodeText } from './decode.ts';

export { contentMismatch, type Detector, headBytes } from './check.ts';

/** Whether these bytes are text in any encoding. An empty file is not text. */
export function isText(head: Uint8Array): boolean {
  return head.length > 0 && decodeText(head)?.clean === true;
}
