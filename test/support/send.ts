/** Replays a request that the server or the storage handed out, as any HTTP client would. */
import { createHash } from 'node:crypto';
import { algorithms } from '../../src/devstore/checksums.ts';
import type { Checksum, ChecksumAlgorithm, PresignedRequest } from '../../src/protocol/index.ts';

export interface Sent {
  status: number;
  headers: Headers;
  text: string;
  /** S3's error code, when the answer is an error of S3. */
  code: string | undefined;
}

/** `content-length` comes from the bytes, whatever was signed. `extra` headers are sent besides the signed ones. */
export async function sendPresigned(
  request: PresignedRequest,
  bytes: Uint8Array<ArrayBuffer> | string | null = null,
  extra: Readonly<Record<string, string>> = {},
): Promise<Sent> {
  const { 'content-length': _, ...signed } = request.headers;
  const response = await fetch(request.url, {
    method: request.method,
    headers: { ...signed, ...extra },
    redirect: 'manual',
    ...(bytes === null ? {} : { body: request.fields ? formOf(request.fields, bytes) : bytes }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, code: /<Code>(\w+)<\/Code>/.exec(text)?.[1] };
}

/** The fields in their order, and then the bytes, as RESTObjectPOST wants it. */
export function formOf(fields: Readonly<Record<string, string>>, bytes: Uint8Array<ArrayBuffer> | string): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('file', new Blob([bytes]), 'file');
  return form;
}

const devstoreNames = { crc32: 'CRC32', crc32c: 'CRC32C', crc64nvme: 'CRC64NVME' } as const;

/** The CRCs are the devstore's, proven beside their source on published check values. */
export function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array | string): Checksum {
  if (algorithm === 'md5' || algorithm === 'sha1' || algorithm === 'sha256')
    return { algorithm, value: createHash(algorithm).update(bytes).digest('base64') };
  const crc = algorithms[devstoreNames[algorithm]].create();
  crc.update(Buffer.from(bytes));
  return { algorithm, value: crc.digest() };
}
