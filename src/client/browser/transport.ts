/**
 * XMLHttpRequest, because no browser's fetch tells how far an upload is (as of late 2026). Where there is none (Node,
 * service workers), fetch does without progress.
 */
import { bodyOf, headersOf } from '../body.ts';
import type { Transport } from '../types.ts';

export const browserTransport: Transport = {
  async send(request) {
    // Cookies can be kept from one's own origin by fetch only.
    if (!globalThis.XMLHttpRequest || request.credentials === 'omit')
      return (await import('./fetch.ts')).sendFetch(request);
    const body = await bodyOf(request);
    const { method, url, source, onProgress, signal } = request;
    return new Promise((resolve, reject) => {
      const xhr = new XMLHttpRequest();
      xhr.open(method, url);
      xhr.withCredentials = request.credentials === 'include';
      for (const [name, value] of headersOf(request)) xhr.setRequestHeader(name, value);
      if (onProgress)
        // A form is larger than its file by its fields, which go first.
        xhr.upload.onprogress = ({ loaded, total }) => onProgress(Math.max(0, loaded - total + (source?.size ?? 0)));
      xhr.onload = () =>
        resolve({
          status: xhr.status,
          text: xhr.responseText,
          // getResponseHeader complains on the console about headers that CORS hides.
          header: (name) => new RegExp(`^${name}: (.*)`, 'im').exec(xhr.getAllResponseHeaders())?.[1],
        });
      // Safari aborts requests that nobody asked it to abort: whether it was us, the caller knows.
      xhr.onerror = xhr.onabort = reject;
      signal.addEventListener('abort', () => xhr.abort());
      xhr.send(body);
    });
  },
};
