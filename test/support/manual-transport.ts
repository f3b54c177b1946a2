/** A client transport without a network: it hands each request to the test, which answers it. */
import type { Transport, TransportRequest, TransportResponse } from '../../src/client/types.ts';

export interface HeldRequest {
  readonly request: TransportRequest;
  /** Answers with a text, or with a value as JSON. */
  answer(status: number, body?: unknown, headers?: Record<string, string>): void;
  /** Fails as `fetch` does without a readable answer. */
  fail(): void;
  readonly json: Record<string, unknown>;
}

export interface ManualTransport {
  transport: Transport;
  /** Waits for the next request. Throws when its method and URL do not match `pattern`. */
  next(pattern?: RegExp): Promise<HeldRequest>;
  /** Requests that the test has not taken yet. */
  readonly pending: readonly HeldRequest[];
  /** Passes the pending requests and all later ones to `handler`. */
  serve(handler: (held: HeldRequest) => void): void;
  readonly sent: readonly TransportRequest[];
}

export function createManualTransport(): ManualTransport {
  const pending: HeldRequest[] = [];
  const takers: ((held: HeldRequest) => void)[] = [];
  const sent: TransportRequest[] = [];
  let handler: ((held: HeldRequest) => void) | undefined;

  const transport: Transport = {
    send: (request) =>
      new Promise<TransportResponse>((resolve, reject) => {
        sent.push(request);
        request.signal.addEventListener('abort', () => reject(new Error('aborted by the caller')));
        if (request.signal.aborted) reject(new Error('aborted before it was sent'));
        const held: HeldRequest = {
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
        if (take) take(held);
        else pending.push(held);
      }),
  };

  return {
    transport,
    pending,
    sent,
    async next(pattern = /./) {
      const held = pending.shift() ?? (await new Promise<HeldRequest>((resolve) => takers.push(resolve)));
      const line = `${held.request.method} ${held.request.url}`;
      if (!pattern.test(line)) throw new Error(`Expected ${pattern}, got ${line}`);
      return held;
    },
    serve(next) {
      handler = next;
      for (const held of pending.splice(0)) next(held);
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

/** Answers as a server and a storage do when every request succeeds. */
export function answerWell(held: HeldRequest): void {
  const { method, url } = held.request;
  if (url.includes('/routes/')) held.answer(200, routeInfo);
  else if (url.endsWith('/complete'))
    held.answer(200, { results: (held.json.grants as string[]).map((grant) => completedOf(grant)) });
  else if (url.endsWith('/abort'))
    held.answer(200, { results: (held.json.grants as string[]).map(() => ({ aborted: true })) });
  else if (method === 'POST' && held.request.body)
    held.answer(200, { uploads: (held.json.files as unknown[]).map(() => grantOf()) });
  else held.answer(200);
}
