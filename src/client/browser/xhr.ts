import { headersOf } from '../answers.ts';
import type { Source, TransportRequest, TransportResponse } from '../types.ts';

/**
 * Sends a request by XMLHttpRequest, because `fetch` reports no upload progress in any browser (as of late 2026).
 * Platforms without it (Node, service workers) use `fetch`.
 */
export async function sendXhr(
  request: TransportRequest,
  body: Blob | FormData | string | null,
): Promise<TransportResponse> {
  const { method, url, source, credentials, onProgress, signal } = request;
  const headers = headersOf(request);
  // Only fetch can leave out the cookies of the page's own origin.
  if (!globalThis.XMLHttpRequest || credentials === 'omit')
    return (await import('./fetch.ts')).sendFetch(request, headers, body);
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open(method, url);
    xhr.withCredentials = credentials === 'include';
    for (const [name, value] of headers) xhr.setRequestHeader(name, value);
    if (onProgress)
      // A form contains fields before its file, so their size is subtracted.
      xhr.upload.onprogress = ({ loaded, total }) => onProgress(Math.max(0, loaded - total + (source as Source).size));
    xhr.onload = () =>
      resolve({
        status: xhr.status,
        text: xhr.responseText,
        // getResponseHeader logs an error about headers that CORS hides.
        header: (name) => `\n${xhr.getAllResponseHeaders()}`.split(`\n${name}: `)[1]?.split('\r')[0],
      });
    // Safari also aborts requests by itself. The caller knows whether it has aborted this request.
    xhr.onerror = xhr.onabort = reject;
    signal.addEventListener('abort', () => xhr.abort());
    xhr.send(body);
  });
}
