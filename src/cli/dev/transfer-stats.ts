/**
 * Counts the bytes of each upload where they arrive: at the sockets of the server, and at the devstore. The page
 * displays them to show that file bytes bypass the server.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { RequestReport } from '../../devstore/index.ts';
import type { AnsweredUpload } from './answered-uploads.ts';

export interface TransferStats {
  server: {
    requests: number;
    /** Read from the socket, with headers. The bytes of a request for several uploads are divided among them. */
    bytesIn: number;
    /** Bytes of all requests to this server that were not JSON while the upload was running. */
    fileBytes: number;
  };
  store: { requests: number; bytesIn: number } | null;
}

export interface TransferCounter {
  /** Starts to count the requests of this server. Call it before the server listens. */
  watch(server: Server): void;
  /** Returns how many bytes of this request have been read so far. */
  countBytes(request: IncomingMessage): number;
  /** Adds a request about these uploads. */
  addRequest(bytesIn: number, uploads: readonly AnsweredUpload[]): void;
  /** Adds a request to the devstore, from its `onRequest`. */
  addStoreRequest(report: RequestReport): void;
  find(uploadId: string): TransferStats | undefined;
}

/** The oldest counts are dropped above this number, because a development server may run for weeks. */
const maxUploads = 2000;

interface Count extends TransferStats {
  /** The value of `fileBytes` when the upload was first seen. */
  fileBytesBefore: number;
  inParts?: boolean;
}

/** @param storeCounts whether {@link TransferCounter.addStoreRequest} will be called */
export function createTransferCounter({ storeCounts }: { storeCounts: boolean }): TransferCounter {
  const counts = new Map<string, Count>();
  const uploadOfKey = new Map<string, string>();
  /** The bytes that were read from a socket before its current request. */
  const bytesBefore = new WeakMap<Socket, number>();
  /** Bytes of all requests to the server that were not JSON. */
  let fileBytes = 0;

  function countBytes({ socket }: IncomingMessage): number {
    return socket.bytesRead - (bytesBefore.get(socket) ?? 0);
  }

  return {
    watch(server) {
      server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
        const { socket } = request;
        response.once('close', () => {
          const carriesFile = !['GET', 'HEAD', 'OPTIONS'].includes(request.method ?? '') && !isJson(request);
          if (carriesFile) fileBytes += countBytes(request);
          bytesBefore.set(socket, socket.bytesRead);
        });
      });
    },
    countBytes,
    addRequest(bytesIn, uploads) {
      for (const [index, { uploadId, key, inParts }] of uploads.entries()) {
        const count = counts.get(uploadId) ?? {
          server: { requests: 0, bytesIn: 0, fileBytes: 0 },
          store: storeCounts ? { requests: 0, bytesIn: 0 } : null,
          fileBytesBefore: fileBytes,
        };
        count.server.requests += 1;
        count.server.bytesIn += share(bytesIn, uploads.length, index);
        count.server.fileBytes = fileBytes - count.fileBytesBefore;
        if (inParts) count.inParts = true;
        counts.set(uploadId, count);
        if (key !== undefined) uploadOfKey.set(key, uploadId);
      }
      dropOldest(counts);
      dropOldest(uploadOfKey);
    },
    addStoreRequest({ key, bytesIn, method }) {
      const count = counts.get((key !== undefined && uploadOfKey.get(key)) || '');
      // A POST sends a form. In an upload in parts, the server itself sends POST to begin and to complete it.
      const sends = method === 'PUT' || (method === 'POST' && !count?.inParts);
      if (!count?.store || !sends) return;
      count.store.requests += 1;
      count.store.bytesIn += bytesIn;
    },
    find(uploadId) {
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

function dropOldest(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= maxUploads) return;
    map.delete(key);
  }
}
