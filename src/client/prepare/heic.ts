/**
 * client/prepare/heic: decodes HEIC with the optional peer `heic-to` (libheif, 3 MB), for browsers that cannot. Only
 * pages that import it need the peer, and the peer is loaded with the first such image.
 */
import { failure } from '../errors.ts';

/**
 * Pass it to `prepareImage` as `decodeHeic`. It is called only after the browser itself could not decode the image.
 * Decoding runs in a worker of `heic-to`, which needs `worker-src blob:` and `script-src 'unsafe-eval'` in the page's
 * content security policy; for a stricter policy, write such a function with `heic-to/csp`.
 *
 * @example prepareImage({ contentType: 'image/jpeg', decodeHeic })
 * @throws WaybillError `network_error` when `heic-to` cannot be loaded; what `heic-to` throws
 */
export async function decodeHeic(image: Blob, signal: AbortSignal): Promise<ImageBitmap> {
  const { heicTo } = await import('heic-to').catch((cause) => {
    throw failure('network_error', 'The connection failed. Please try again.', { cause });
  });
  signal.throwIfAborted();
  return heicTo({ blob: image, type: 'bitmap' });
}
