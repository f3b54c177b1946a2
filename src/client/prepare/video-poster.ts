import { failure } from '../errors.ts';

/**
 * Reads one frame of a video. The browser decodes it in a process or thread of its own.
 *
 * @throws WaybillError `source_unreadable`, or the signal's reason
 */
export async function readPoster(file: File, atSeconds: number, signal: AbortSignal): Promise<ImageBitmap> {
  signal.throwIfAborted();
  const url = URL.createObjectURL(file);
  // Safari on phones loads a frame only of a muted video that plays in the page.
  const video = Object.assign(document.createElement('video'), { muted: true, playsInline: true, preload: 'auto' });
  try {
    const metadata = waitFor(video, 'loadedmetadata', signal);
    video.src = url;
    await metadata;
    const seeked = waitFor(video, 'seeked', signal);
    // A recording that was not finalised has an infinite duration.
    video.currentTime = Number.isFinite(video.duration) ? Math.min(atSeconds, video.duration / 2) : 0;
    await seeked;
    return await createImageBitmap(video);
  } catch (cause) {
    signal.throwIfAborted();
    throw failure('source_unreadable', 'There is no picture of this file.', { cause, details: { hint: `${cause}` } });
  } finally {
    video.removeAttribute('src');
    // Frees the decoder.
    video.load();
    URL.revokeObjectURL(url);
  }
}

function waitFor(video: HTMLVideoElement, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    video.addEventListener(event, () => resolve(), { once: true });
    video.addEventListener('error', () => reject(new Error(video.error?.message || 'The video cannot be decoded.')), {
      once: true,
    });
    signal.addEventListener('abort', stop, { once: true });
  });
}
