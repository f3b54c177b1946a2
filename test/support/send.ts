/** Sends presigned requests as any HTTP client does. */
import { createHash } from 'node:crypto';
import { algorithms } from '../../src/devstore/checksums.ts';
import type { Checksum, ChecksumAlgorithm, PresignedRequest } from '../../src/protocol/index.ts';

export interface StorageAnswer {
  status: number;
  headers: Headers;
  text: string;
  /** S3's error code, when the answer is an S3 error. */
  code: string | undefined;
}

/**
 * Sends `bytes` with their real length, which may differ from the signed one. `extra` adds headers to the signed ones.
 */
export async function sendPresigned(
  request: PresignedRequest,
  bytes: Uint8Array<ArrayBuffer> | string | null = null,
  extra: Readonly<Record<string, string>> = {},
): Promise<StorageAnswer> {
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

/** The fields in their order and then the file: S3 ignores fields after the file (RESTObjectPOST). */
export function formOf(fields: Readonly<Record<string, string>>, bytes: Uint8Array<ArrayBuffer> | string): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('file', new Blob([bytes]), 'file');
  return form;
}

const devstoreNames = { crc32: 'CRC32', crc32c: 'CRC32C', crc64nvme: 'CRC64NVME' } as const;

/** Computes CRCs with the devstore's code, which its unit tests check against published values. */
export function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array | string): Checksum {
  if (algorithm === 'md5' || algorithm === 'sha1' || algorithm === 'sha256')
    return { algorithm, value: createHash(algorithm).update(bytes).digest('base64') };
  const crc = algorithms[devstoreNames[algorithm]].create();
  crc.update(Buffer.from(bytes));
  return { algorithm, value: crc.digest() };
}
