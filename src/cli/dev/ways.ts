/**
 * Who handled how many bytes of which upload, counted where they arrived: on the server's sockets and by the store. The
 * page draws it, because it is the point of the thing.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { RequestReport } from '../../devstore/index.ts';
import type { AboutUpload } from './ways-answers.ts';

export interface Way {
  server: {
    requests: number;
    /** From the socket, headers included. A request for several uploads is shared out among them. */
    bytesIn: number;
    /** Of requests to this server that were not JSON while the upload was under way, whoever sent them. */
    fileBytes: number;
  };
  store: { requests: number; bytesIn: number } | null;
}

export interface Ways {
  /** Counts what arrives at this server. Call before it listens. */
  watch(server: Server): void;
  /** Bytes that this request has brought so far. */
  arrived(request: IncomingMessage): number;
  /** A request that was about these uploads; `keys` are where the storage will see their bytes. */
  handled(bytesIn: number, uploads: readonly AboutUpload[]): void;
  /** For the store's `onRequest`. */
  stored(report: RequestReport): void;
  of(uploadId: string): Way | undefined;
}

/** Old ways are forgotten: a dev server may run for weeks. */
const most = 2000;

interface Count extends Way {
  foreignBefore: number;
  inParts?: boolean;
}

/** @param storeCounts whether {@link Ways.stored} will be told */
export function createWays({ storeCounts }: { storeCounts: boolean }): Ways {
  const counts = new Map<string, Count>();
  const uploadOfKey = new Map<string, string>();
  const marks = new WeakMap<Socket, number>();
  let foreign = 0;

  function arrived({ socket }: IncomingMessage): number {
    return socket.bytesRead - (marks.get(socket) ?? 0);
  }

  return {
    watch(server) {
      server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
        const { socket } = request;
        response.once('close', () => {
          const carriesFile = !['GET', 'HEAD', 'OPTIONS'].includes(request.method ?? '') && !isJson(request);
          if (carriesFile) foreign += arrived(request);
          marks.set(socket, socket.bytesRead);
        });
      });
    },
    arrived,
    handled(bytesIn, uploads) {
      for (const [index, { uploadId, key, inParts }] of uploads.entries()) {
        const count = counts.get(uploadId) ?? {
          server: { requests: 0, bytesIn: 0, fileBytes: 0 },
          store: storeCounts ? { requests: 0, bytesIn: 0 } : null,
          foreignBefore: foreign,
        };
        count.server.requests += 1;
        // So that the shares add up to what arrived.
        count.server.bytesIn += share(bytesIn, uploads.length, index);
        count.server.fileBytes = foreign - count.foreignBefore;
        if (inParts) count.inParts = true;
        counts.set(uploadId, count);
        if (key !== undefined) uploadOfKey.set(key, uploadId);
      }
      forgetOldest(counts);
      forgetOldest(uploadOfKey);
    },
    stored({ key, bytesIn, method }) {
      const count = counts.get((key !== undefined && uploadOfKey.get(key)) || '');
      // A form is posted to the bucket; to begin and to complete parts is the server's own business.
      const sends = method === 'PUT' || (method === 'POST' && !count?.inParts);
      if (!count?.store || !sends) return;
      count.store.requests += 1;
      count.store.bytesIn += bytesIn;
    },
    of(uploadId) {
      const count = counts.get(uploadId);
      return count && { server: { ...count.server }, store: count.store && { ...count.store } };
    },
  };
}

function isJson({ headers }: IncomingMessage): boolean {
  return /^application\/json\b/i.test(headers['content-type'] ?? '');
}

function share(total: number, parts: number, index: number): number {
  return Math.floor(total / parts) + (index < total % parts ? 1 : 0);
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}
