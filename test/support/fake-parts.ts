/**
 * An in-memory server and storage for uploads in parts of a few bytes. It is for tests of states and sequences;
 * test/interop runs the client against a real server and storage.
 */
import { createHash } from 'node:crypto';
import type { Transport, TransportRequest, TransportResponse } from '../../src/client/types.ts';
import { partBytes } from '../../src/protocol/parts.ts';

interface Multipart {
  uploadId: string;
  size: number | null;
  parts: Map<number, { size: number; value: string }>;
  state: 'open' | 'completed' | 'aborted' | 'gone';
  composite?: string;
}

export interface FakeParts {
  transport: Transport;
  readonly uploads: Map<string, Multipart>;
  /** Number of completions by upload id, without repeated calls for a completed upload. */
  readonly completions: Map<string, number>;
  /** Chooses how the storage answers the next request for a part. */
  atStorage: (partNumber: number) => StorageAnswer;
  /** Chooses how the server answers the next request. */
  atServer: (path: string) => ServerAnswer;
  /** Called before each request. */
  onRequest: () => void;
  /** The highest number of parts that were sent at the same time. */
  readonly maxPartsAtOnce: number;
}

export type StorageAnswer = 'ok' | '503' | '403' | '404' | 'bad digest' | 'lost before' | 'lost after' | 'gone';
export type ServerAnswer =
  | 'ok'
  | 'lost before'
  | 'lost after'
  | '502'
  | 'expired'
  | 'unready'
  | '202'
  | 'callback_failed';

export const partSize = 10;
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('base64');

export function createFakeParts({ maxBytes = 1000, hosts = ['https://store.example'] } = {}): FakeParts {
  const uploads = new Map<string, Multipart>();
  const completions = new Map<string, number>();
  let serial = 0;
  let partsInFlight = 0;
  const error = (status: number, code: string, retryable = false, details?: unknown) => ({
    status,
    body: { error: { code, message: code, retryable, details } },
  });

  function serve(path: string, json: Record<string, unknown>): { status: number; body: unknown } {
    const chosen = fake.atServer(path);
    if (chosen === '502') return { status: 502, body: 'Bad Gateway' };
    const upload = uploads.get(String(json.grant ?? '').split('.')[0] ?? '');
    if (path.startsWith('/routes/'))
      return {
        status: 200,
        body: {
          route: 'files',
          limits: { minBytes: 1, maxBytes, maxFiles: 10, contentTypes: ['text/plain'] },
          checksum: 'sha256',
          transfers: ['form', 'put', 'multipart'],
          formMaxBytes: 0,
          multipartMinBytes: 1,
          hosts,
        },
      };
    if (path === '') {
      const files = json.files as { size: number | null; contentType: string }[];
      const granted = files.map(({ size, contentType }) => {
        const uploadId = `u${++serial}`;
        uploads.set(uploadId, { uploadId, size, parts: new Map(), state: 'open' });
        const partCount = size === null ? null : Math.ceil(size / partSize);
        return {
          uploadId,
          grant: `${uploadId}.1`,
          transfer: 'multipart',
          contentType,
          partSize,
          partCount,
          expiresInSeconds: 900,
        };
      });
      return { status: 200, body: { uploads: granted } };
    }
    if (path === '/parts') {
      if (chosen === 'expired' || !upload) return error(410, 'upload_expired');
      const parts = (
        json.parts as { partNumber: number; size: number; checksum: { value: string }; host?: number }[]
      ).map(({ partNumber, size, checksum, host = 0 }) => {
        const planned = upload.size === null ? size : partBytes(upload.size, partSize, partNumber);
        if (planned !== size || size > partSize) return error(422, 'part_invalid').body;
        const url = `${hosts[host]}/${upload.uploadId}/${partNumber}?value=${encodeURIComponent(checksum.value)}`;
        return { partNumber, request: { method: 'PUT', url, headers: {} }, expiresInSeconds: 900 };
      });
      return { status: 200, body: { parts } };
    }
    if (path === '/parts/list') {
      if (!upload || upload.state === 'gone') return error(410, 'upload_expired');
      if (upload.state !== 'open') return error(409, 'upload_conflict');
      const [id, version] = String(json.grant).split('.');
      const parts = [...upload.parts].map(([partNumber, { size, value }]) => ({
        partNumber,
        size,
        checksum: { algorithm: 'sha256', value },
      }));
      return {
        status: 200,
        body: {
          uploadId: id,
          grant: `${id}.${Number(version) + 1}`,
          expiresInSeconds: 900,
          partSize,
          partCount: null,
          parts,
        },
      };
    }
    if (path === '/complete')
      return { status: 200, body: { results: (json.grants as unknown[]).map((entry) => complete(entry, chosen)) } };
    for (const grant of json.grants as string[]) {
      const aborted = uploads.get(grant.split('.')[0] ?? '');
      if (aborted?.state === 'open') aborted.state = 'aborted';
    }
    return { status: 200, body: { results: (json.grants as string[]).map(() => ({ aborted: true })) } };
  }

  function complete(entry: unknown, chosen: ServerAnswer): unknown {
    const { grant, checksum, size = null } = entry as { grant: string; checksum?: { value: string }; size?: number };
    const upload = uploads.get(grant.split('.')[0] ?? '');
    if (!upload || upload.state === 'gone') return error(410, 'upload_expired').body;
    if (chosen === 'expired') return error(410, 'upload_expired').body;
    if (chosen === 'callback_failed') return error(503, 'callback_failed', true).body;
    if (upload.state === 'aborted') return error(409, 'upload_conflict').body;
    const fileSize = upload.size ?? size ?? 0;
    if (upload.state === 'open') {
      if (chosen === 'unready') upload.parts.delete(1);
      const missing: number[] = [];
      for (let n = 1; n <= Math.ceil(fileSize / partSize); n++) if (!upload.parts.has(n)) missing.push(n);
      if (missing.length) return error(409, 'object_not_ready', true, { missing }).body;
      const digests = [...upload.parts].sort(([a], [b]) => a - b).map(([, { value }]) => Buffer.from(value, 'base64'));
      upload.composite = digest(Buffer.concat(digests));
      if (checksum && checksum.value !== upload.composite) return error(422, 'checksum_mismatch').body;
      upload.state = 'completed';
      completions.set(upload.uploadId, (completions.get(upload.uploadId) ?? 0) + 1);
    }
    if (chosen === '202') return { completing: true, retryAfterSeconds: 0 };
    return {
      uploadId: upload.uploadId,
      file: {
        uploadId: upload.uploadId,
        key: upload.uploadId,
        size: fileSize,
        url: '/f',
        checksum: { value: upload.composite },
      },
      data: null,
    };
  }

  async function store(request: TransportRequest): Promise<{ status: number; body: unknown } | null> {
    const [, uploadId = '', number = '', value = ''] = /example\/(\w+)\/(\d+)\?value=(.*)$/.exec(request.url) ?? [];
    const upload = uploads.get(uploadId) as Multipart;
    const { source } = request;
    const bytes = (await source?.read(0, source.size)) ?? new Uint8Array();
    const chosen = fake.atStorage(Number(number));
    if (chosen === 'gone') upload.state = 'gone';
    if (chosen === 'lost before') return null;
    if (chosen === '503') return { status: 503, body: '<Code>SlowDown</Code>' };
    if (chosen === '403') return { status: 403, body: '<Code>AccessDenied</Code>' };
    if (chosen === 'bad digest' || digest(bytes) !== decodeURIComponent(value))
      return { status: 400, body: '<Code>BadDigest</Code>' };
    if (chosen === '404' || upload.state !== 'open') return { status: 404, body: '<Code>NoSuchUpload</Code>' };
    upload.parts.set(Number(number), { size: bytes.length, value: decodeURIComponent(value) });
    return chosen === 'lost after' ? null : { status: 200, body: '' };
  }

  async function answer(request: TransportRequest): Promise<TransportResponse> {
    // A real network answers in a later turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    fake.onRequest();
    if (request.signal.aborted) throw new Error('aborted');
    const path = request.url.startsWith('/uploads') ? request.url.slice('/uploads'.length) : null;
    const served = path === null ? await store(request) : serve(path, JSON.parse(request.body ?? '{}'));
    if (!served || request.signal.aborted) throw new Error('no answer');
    const { status, body } = served;
    const firstError = (body as { error?: unknown; results?: { error?: { code: string } }[] })?.results?.[0]?.error;
    return {
      status: firstError ? 400 : status,
      text: typeof body === 'string' ? body : JSON.stringify(body),
      header: () => undefined,
    };
  }

  const fake: FakeParts & { maxPartsAtOnce: number } = {
    uploads,
    completions,
    atStorage: () => 'ok',
    atServer: () => 'ok',
    onRequest: () => {},
    maxPartsAtOnce: 0,
    transport: {
      async send(request) {
        const toStorage = request.method === 'PUT';
        if (toStorage) fake.maxPartsAtOnce = Math.max(fake.maxPartsAtOnce, ++partsInFlight);
        try {
          const path = request.url.slice('/uploads'.length);
          const before = !toStorage && fake.atServer(`before ${path}`) === 'lost before';
          if (before) throw new Error('lost');
          const response = await answer(request);
          if (!toStorage && fake.atServer(`after ${path}`) === 'lost after') throw new Error('lost');
          return response;
        } finally {
          if (toStorage) partsInFlight--;
        }
      },
    },
  };
  return fake;
}

/** Returns the composite checksum that a storage computes for an upload of these bytes. */
export function compositeOf(bytes: Uint8Array): string {
  const digests: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += partSize)
    digests.push(Buffer.from(digest(bytes.subarray(at, at + partSize)), 'base64'));
  return digest(Buffer.concat(digests));
}
