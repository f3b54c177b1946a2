/**
 * A server and a storage for uploads in parts, in memory, with parts of a few bytes: for states and sequences, not for bytes
 * on a wire. The real ones are tried in test/interop.
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
  /** How often each upload was really completed, not counting those that asked again. */
  readonly completions: Map<string, number>;
  /** Called before each answer of the storage; null: as it should be. */
  atStorage: (partNumber: number) => StorageMood;
  atServer: (path: string) => ServerMood;
  /** Before each request. */
  onRequest: () => void;
  readonly maxMoving: number;
}

export type StorageMood = 'ok' | '503' | '403' | '404' | 'bad digest' | 'lost before' | 'lost after' | 'gone';
export type ServerMood =
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
  let moving = 0;
  const error = (status: number, code: string, retryable = false, details?: unknown) => ({
    status,
    body: { error: { code, message: code, retryable, details } },
  });

  function serve(path: string, json: Record<string, unknown>): { status: number; body: unknown } {
    const mood = fake.atServer(path);
    if (mood === '502') return { status: 502, body: 'Bad Gateway' };
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
      if (mood === 'expired' || !upload) return error(410, 'upload_expired');
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
      return { status: 200, body: { results: (json.grants as unknown[]).map((one) => complete(one, mood)) } };
    for (const grant of json.grants as string[]) {
      const aborted = uploads.get(grant.split('.')[0] ?? '');
      if (aborted?.state === 'open') aborted.state = 'aborted';
    }
    return { status: 200, body: { results: (json.grants as string[]).map(() => ({ aborted: true })) } };
  }

  function complete(said: unknown, mood: ServerMood): unknown {
    const { grant, checksum, size = null } = said as { grant: string; checksum?: { value: string }; size?: number };
    const upload = uploads.get(grant.split('.')[0] ?? '');
    if (!upload || upload.state === 'gone') return error(410, 'upload_expired').body;
    if (mood === 'expired') return error(410, 'upload_expired').body;
    if (mood === 'callback_failed') return error(503, 'callback_failed', true).body;
    if (upload.state === 'aborted') return error(409, 'upload_conflict').body;
    const whole = upload.size ?? size ?? 0;
    if (upload.state === 'open') {
      if (mood === 'unready') upload.parts.delete(1);
      const missing: number[] = [];
      for (let n = 1; n <= Math.ceil(whole / partSize); n++) if (!upload.parts.has(n)) missing.push(n);
      if (missing.length) return error(409, 'object_not_ready', true, { missing }).body;
      const digests = [...upload.parts].sort(([a], [b]) => a - b).map(([, { value }]) => Buffer.from(value, 'base64'));
      upload.composite = digest(Buffer.concat(digests));
      if (checksum && checksum.value !== upload.composite) return error(422, 'checksum_mismatch').body;
      upload.state = 'completed';
      completions.set(upload.uploadId, (completions.get(upload.uploadId) ?? 0) + 1);
    }
    if (mood === '202') return { completing: true, retryAfterSeconds: 0 };
    return {
      uploadId: upload.uploadId,
      file: {
        uploadId: upload.uploadId,
        key: upload.uploadId,
        size: whole,
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
    const mood = fake.atStorage(Number(number));
    if (mood === 'gone') upload.state = 'gone';
    if (mood === 'lost before') return null;
    if (mood === '503') return { status: 503, body: '<Code>SlowDown</Code>' };
    if (mood === '403') return { status: 403, body: '<Code>AccessDenied</Code>' };
    if (mood === 'bad digest' || digest(bytes) !== decodeURIComponent(value))
      return { status: 400, body: '<Code>BadDigest</Code>' };
    if (mood === '404' || upload.state !== 'open') return { status: 404, body: '<Code>NoSuchUpload</Code>' };
    upload.parts.set(Number(number), { size: bytes.length, value: decodeURIComponent(value) });
    return mood === 'lost after' ? null : { status: 200, body: '' };
  }

  async function answer(request: TransportRequest): Promise<TransportResponse> {
    // A turn of the event loop, as a network would take.
    await new Promise((resolve) => setImmediate(resolve));
    fake.onRequest();
    if (request.signal.aborted) throw new Error('aborted');
    const path = request.url.startsWith('/uploads') ? request.url.slice('/uploads'.length) : null;
    const served = path === null ? await store(request) : serve(path, JSON.parse(request.body ?? '{}'));
    if (!served || request.signal.aborted) throw new Error('no answer');
    const { status, body } = served;
    const lead = (body as { error?: unknown; results?: { error?: { code: string } }[] })?.results?.[0]?.error;
    return {
      status: lead ? 400 : status,
      text: typeof body === 'string' ? body : JSON.stringify(body),
      header: () => undefined,
    };
  }

  const fake: FakeParts & { maxMoving: number } = {
    uploads,
    completions,
    atStorage: () => 'ok',
    atServer: () => 'ok',
    onRequest: () => {},
    maxMoving: 0,
    transport: {
      async send(request) {
        const toStorage = request.method === 'PUT';
        if (toStorage) fake.maxMoving = Math.max(fake.maxMoving, ++moving);
        try {
          const path = request.url.slice('/uploads'.length);
          const before = !toStorage && fake.atServer(`before ${path}`) === 'lost before';
          if (before) throw new Error('lost');
          const response = await answer(request);
          if (!toStorage && fake.atServer(`after ${path}`) === 'lost after') throw new Error('lost');
          return response;
        } finally {
          if (toStorage) moving--;
        }
      },
    },
  };
  return fake;
}

/** As a storage would make it of these bytes. */
export function compositeOf(bytes: Uint8Array): string {
  const digests: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += partSize)
    digests.push(Buffer.from(digest(bytes.subarray(at, at + partSize)), 'base64'));
  return digest(Buffer.concat(digests));
}
