/**
 * A proxy in front of a store that adds an id to every write of an object, as Google Cloud Storage
 * (`x-goog-generation`) and versioned buckets do. It keeps the Host header, so signatures stay valid.
 */
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WriteIds {
  /** The proxy's URL, to be used instead of the store's endpoint. */
  endpoint: string;
  close(): Promise<void>;
}

export async function startWriteIds(storeEndpoint: string): Promise<WriteIds> {
  const { hostname, port } = new URL(storeEndpoint);
  const generations = new Map<string, number>();
  let latest = 1_700_000_000_000;
  const server = createServer((incoming, outgoing) => {
    const path = (incoming.url ?? '').split('?')[0] as string;
    const { method, headers } = incoming;
    const forwarded = httpRequest({ hostname, port, method, path: incoming.url, headers, agent: false }, (answer) => {
      const written = (method === 'PUT' || method === 'POST') && (answer.statusCode ?? 500) < 300;
      if (written) generations.set(path, ++latest);
      if (method === 'DELETE') generations.delete(path);
      const generation = generations.get(path);
      const ids = generation === undefined ? {} : { 'x-goog-generation': String(generation) };
      outgoing.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...ids });
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
