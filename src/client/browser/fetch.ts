import type { TransportRequest, TransportResponse } from '../types.ts';

/** Sends a request on platforms without XMLHttpRequest. It reports no progress. */
export async function sendFetch(
  request: TransportRequest,
  headers: [string, string][],
  body: Blob | FormData | string | null,
): Promise<TransportResponse> {
  const { method, url, credentials, signal } = request;
  const response = await fetch(url, { method, headers, body, signal, ...(credentials && { credentials }) });
  return { status: response.status, text: await response.text(), header: (name) => response.headers.get(name) };
}
