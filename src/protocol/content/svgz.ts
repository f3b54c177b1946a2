import { isSvg } from './text.ts';

/** As much as is looked at of a file that is not compressed. A file that expands without end is never read further. */
const enough = 4100;

/** Whether what is compressed here is SVG. The bytes may end anywhere. */
export async function isCompressedSvg(head: Uint8Array): Promise<boolean> {
  const reader = new Blob([head as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('gzip'))
    .getReader();
  const decoder = new TextDecoder();
  let text = '';
  try {
    while (text.length < enough) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value.subarray(0, enough), { stream: true });
    }
  } catch {
    // The end is missing; or it is not gzip at all, and then there is no text.
  }
  reader.cancel().catch(() => {});
  return text !== '' && isSvg(text);
}
