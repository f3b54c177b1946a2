/**
 * The clients of a crash run: most retry until their upload is confirmed, and every tenth closes its tab after sending.
 */
import { createHash } from 'node:crypto';
import { createClient } from '../../src/client/node/index.ts';
import type { GrantResponse, SingleGrant } from '../../src/protocol/index.ts';
import { send } from '../support/server-app.ts';

export interface ConfirmedUpload {
  uploadId: string;
  key: string;
  sha256: string;
  size: number;
}

export interface ClientsResult {
  /** Uploads that a client was told are complete. */
  confirmed: ConfirmedUpload[];
  /** Number of uploads whose bytes were sent without a call of complete. */
  unconfirmed: number;
  /** Error codes of failed uploads. */
  failed: string[];
}

export function makeBytes(random: () => number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += at < 64 ? 1 : 997) bytes[at] = Math.floor(random() * 256);
  return bytes;
}

const owners = ['anna', 'bea', 'cem'];

/** @param before is awaited before the nth upload begins @param done is called with the number of ended uploads */
export async function runClients(
  url: string,
  {
    uploads,
    random,
    before,
    done,
  }: { uploads: number; random: () => number; before: (n: number) => Promise<void>; done: (ended: number) => void },
): Promise<ClientsResult> {
  const result: ClientsResult = { confirmed: [], unconfirmed: 0, failed: [] };
  const clients = owners.map((owner) =>
    createClient({
      endpoint: `${url}/uploads`,
      headers: () => ({ 'x-user': owner }),
      retries: 60,
      stallTimeoutMs: 20_000,
      resumeStore: null,
    }),
  );
  let ended = 0;
  let next = 0;
  async function runNext(): Promise<void> {
    while (next < uploads) {
      const n = next++;
      await before(n);
      const large = n % 250 === 249;
      const closesTheTab = !large && n % 10 === 9;
      const bytes = makeBytes(random, large ? 6_000_000 : 200 + Math.floor(random() * 8000));
      if (closesTheTab) {
        const sent = await sendWithoutCompleting(url, owners[n % owners.length] as string, bytes);
        if (sent) result.unconfirmed += 1;
      } else {
        const client = clients[n % clients.length] as (typeof clients)[0];
        const upload = client.upload('files', new Blob([new Uint8Array(bytes)]), {
          fileName: `file-${n}.bin`,
          contentType: 'application/octet-stream',
        });
        try {
          const { file } = await upload.done;
          result.confirmed.push({ uploadId: file.uploadId, key: file.key, sha256: digest(bytes), size: bytes.length });
        } catch (error) {
          result.failed.push((error as { code?: string }).code ?? String(error));
        }
      }
      ended += 1;
      done(ended);
    }
  }
  await Promise.all(Array.from({ length: 32 }, runNext));
  return result;
}

export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

/** Requests a grant and sends the bytes once, without retries and without completing. */
async function sendWithoutCompleting(url: string, user: string, bytes: Buffer): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/uploads`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-user': user },
      body: JSON.stringify({
        route: 'files',
        files: [
          {
            fileName: 'left.bin',
            size: bytes.length,
            contentType: 'application/octet-stream',
            checksum: { algorithm: 'sha256', value: digest(bytes) },
          },
        ],
      }),
    });
    const granted = ((await answer.json()) as GrantResponse).uploads[0] as SingleGrant;
    return (await send(granted.request, bytes)) === 200;
  } catch {
    return false;
  }
}
