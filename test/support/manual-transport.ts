/** A transport that hands each request to the test, which answers when and how it likes. No network. */
import type { Transport, TransportRequest, TransportResponse } from '../../src/client/types.ts';

export interface Handed {
  readonly request: TransportRequest;
  /** Text, or anything else as JSON. */
  answer(status: number, body?: unknown, headers?: Record<string, string>): void;
  /** No readable answer. */
  fail(): void;
  readonly json: Record<string, unknown>;
}

export interface ManualTransport {
  transport: Transport;
  /** The next request, which must fit `what`; waits for it. */
  next(what?: RegExp): Promise<Handed>;
  /** Requests that nobody has taken yet. */
  readonly pending: readonly Handed[];
  /** Answers every request from now on. */
  serve(handler: (handed: Handed) => void): void;
  readonly sent: readonly TransportRequest[];
}

export function createManualTransport(): ManualTransport {
  const pending: Handed[] = [];
  const takers: ((handed: Handed) => void)[] = [];
  const sent: TransportRequest[] = [];
  let handler: ((handed: Handed) => void) | undefined;

  const transport: Transport = {
    send: (request) =>
      new Promise<TransportResponse>((resolve, reject) => {
        sent.push(request);
        request.signal.addEventListener('abort', () => reject(new Error('aborted by the caller')));
        if (request.signal.aborted) reject(new Error('aborted before it was sent'));
        const handed: Handed = {
          request,
          answer: (status, body = '', headers = {}) =>
            resolve({
              status,
              text: typeof body === 'string' ? body : JSON.stringify(body),
              header: (name) => headers[name],
            }),
          fail: () => reject(new TypeError('Failed to fetch')),
          get json() {
            return JSON.parse(request.body ?? 'null');
          },
        };
        const take = handler ?? takers.shift();
        if (take) take(handed);
        else pending.push(handed);
      }),
  };

  return {
    transport,
    pending,
    sent,
    async next(what = /./) {
      const handed = pending.shift() ?? (await new Promise<Handed>((resolve) => takers.push(resolve)));
      const line = `${handed.request.method} ${handed.request.url}`;
      if (!what.test(line)) throw new Error(`Expected ${what}, got ${line}`);
      return handed;
    },
    serve(next) {
      handler = next;
      for (const handed of pending.splice(0)) next(handed);
    },
  };
}

export const routeInfo = {
  route: 'files',
  limits: { contentTypes: ['text/plain', 'image/*'], minBytes: 1, maxBytes: 1000, maxFiles: 10 },
  checksum: 'sha256',
  transfers: ['form', 'put'],
  formMaxBytes: 0,
};

let grants = 0;

export function grantOf(overrides: Record<string, unknown> = {}) {
  const n = ++grants;
  return {
    uploadId: `upload-${n}`,
    grant: `grant-${n}`,
    transfer: 'put',
    contentType: 'text/plain',
    request: {
      method: 'PUT',
      url: `https://store.example/bucket/key-${n}?X-Amz-Signature=secret`,
      headers: { 'content-type': 'text/plain', 'content-length': '5' },
      expiresAt: '2026-01-01T00:00:00.000Z',
    },
    expiresInSeconds: 120,
    ...overrides,
  };
}

export function completedOf(grant: string, data: unknown = null) {
  return { uploadId: grant, file: { key: `stored/${grant}`, url: `/files/${grant}` }, data };
}

export const wireError = (code: string, retryable = false) => ({ error: { code, message: `${code}!`, retryable } });

/** Answers as a server and a storage where all goes well would. */
export function answerWell(handed: Handed): void {
  const { method, url } = handed.request;
  if (url.includes('/routes/')) handed.answer(200, routeInfo);
  else if (url.endsWith('/complete'))
    handed.answer(200, { results: (handed.json.grants as string[]).map((grant) => completedOf(grant)) });
  else if (url.endsWith('/abort'))
    handed.answer(200, { results: (handed.json.grants as string[]).map(() => ({ aborted: true })) });
  else if (method === 'POST' && handed.request.body)
    handed.answer(200, { uploads: (handed.json.files as unknown[]).map(() => grantOf()) });
  else handed.answer(200);
}
