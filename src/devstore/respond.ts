/** Sends a reply, or an error as a reply. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { S3AuthError } from '../s3/internal.ts';
import type { Reply } from './call.ts';
import { StoreError } from './errors.ts';
import type { StoreFault } from './fault-injector.ts';
import { xmlDocument } from './xml-write.ts';

export interface Identity {
  requestId: string;
  hostId: string;
  /** The path as received. */
  resource: string;
}

export function errorReply(error: StoreError | S3AuthError, { requestId, hostId, resource }: Identity): Reply {
  const body = xmlDocument(
    'Error',
    {
      Code: error.code,
      Message: error.message,
      ...error.details,
      // AWS omits Resource from this error, and tools compare the document when they debug a signature.
      Resource: error.code === 'SignatureDoesNotMatch' ? undefined : resource,
      RequestId: requestId,
      HostId: hostId,
    },
    { namespace: false },
  );
  return {
    status: error.status,
    headers: { 'content-type': 'application/xml', ...(error instanceof StoreError ? error.headers : {}) },
    body,
  };
}

/** Returns the number of bytes of the body that were sent. */
export async function sendReply(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  headers: Record<string, string | undefined>,
  fault: StoreFault,
): Promise<number> {
  const { body } = reply;
  try {
    if (response.destroyed) return 0;
    const merged = { ...headers, ...reply.headers };
    for (const name of Object.keys(merged)) {
      const value = merged[name];
      if (value !== undefined) response.setHeader(name, value);
    }
    response.statusCode = reply.status;
    const isBodiless = request.method === 'HEAD' || reply.status === 204 || reply.status === 304;
    if (isBodiless || body === undefined) {
      if (body === undefined && !isBodiless) response.setHeader('content-length', '0');
      if (fault.dropResponseAfterBytes !== undefined) return closeConnection(request);
      response.end();
      return 0;
    }
    if (typeof body === 'string') {
      const bytes = Buffer.from(body);
      return await sendBytes(request, response, bytes.length, [bytes], fault);
    }
    return await sendBytes(request, response, body.size, body.read(), fault);
  } finally {
    if (typeof body === 'object') await body.close();
  }
}

function closeConnection(request: IncomingMessage): number {
  request.socket.destroy();
  return 0;
}

async function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  size: number,
  source: AsyncIterable<Buffer> | Iterable<Buffer>,
  fault: StoreFault,
): Promise<number> {
  const { dropResponseAfterBytes, truncateResponseTo = Number.POSITIVE_INFINITY } = fault;
  const contentLength = Math.min(size, truncateResponseTo);
  const limit = Math.min(contentLength, dropResponseAfterBytes ?? Number.POSITIVE_INFINITY);
  response.setHeader('content-length', String(contentLength));
  let sent = 0;
  for await (const block of source) {
    if (sent >= limit) break;
    const piece = flipBit(block.subarray(0, limit - sent), sent === 0 && fault.corruptResponse === true);
    sent += piece.length;
    if (!response.write(piece) && !(await waitForDrain(response))) return sent;
  }
  if (dropResponseAfterBytes !== undefined && limit < contentLength) {
    // Ends the connection after the written bytes were sent.
    response.socket?.end(() => request.socket.destroy());
    return sent;
  }
  response.end();
  return sent;
}

function flipBit(block: Buffer, corrupt: boolean): Buffer {
  if (!corrupt || block.length === 0) return block;
  const copy = Buffer.from(block);
  copy[copy.length >> 1] = (copy[copy.length >> 1] as number) ^ 1;
  return copy;
}

/** Returns false when the connection was closed. */
function waitForDrain(response: ServerResponse): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const done = (open: boolean) => {
      response.off('drain', onDrain).off('close', onClose);
      resolve(open);
    };
    const onDrain = () => done(true);
    const onClose = () => done(false);
    response.on('drain', onDrain).on('close', onClose);
  });
}
