import { isSvg } from './text.ts';

/** As many characters as are read of an uncompressed file. It also limits how far a compressed file is expanded. */
const maxCharacters = 4100;

/** Whether these gzip bytes, which may be cut off anywhere, contain SVG. */
export async function isCompressedSvg(head: Uint8Array): Promise<boolean> {
  const reader = new Blob([head as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('gzip'))
    .getReader();
  const decoder = new TextDecoder();
  let text = '';
  try {
    while (text.length < maxCharacters) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value.subarray(0, maxCharacters), { stream: true });
    }
  } catch {
    // The bytes are cut off, or they are no gzip and `text` is empty.
  }
  reader.cancel().catch(() => {});
  return text !== '' && isSvg(text);
}
