/** Finds the uploads in an answer of the server, and the keys at which the storage receives their bytes. */
import type { PresignedRequest } from '../../protocol/index.ts';

interface Answer {
  uploads?: ({ uploadId?: string; request?: PresignedRequest } | null)[];
  results?: ({ uploadId?: string } | null)[];
  /** Signed requests for parts, which all have the same key, or parts that have arrived. */
  parts?: ({ request?: PresignedRequest } | null)[];
  uploadId?: string;
}

export interface AnsweredUpload {
  uploadId: string;
  key?: string | undefined;
  /** Its bytes are sent in parts. */
  inParts?: boolean;
}

/** @param text an answer of our own server */
export function findAnsweredUploads(text: string, bucket: string): AnsweredUpload[] {
  const { uploads, results, parts, uploadId } = parse(text);
  if (typeof uploadId === 'string') return [{ uploadId }];
  const signed = parts?.find((part) => part?.request)?.request;
  if (signed) {
    // The key of a staged object ends with the id of its upload.
    const key = readKey(signed, bucket);
    return key === undefined ? [] : [{ uploadId: key.replace(/^.*\//, ''), key, inParts: true }];
  }
  return [...(uploads ?? []), ...(results ?? [])].flatMap((item) => {
    if (typeof item?.uploadId !== 'string') return [];
    const request = 'request' in item ? (item.request as PresignedRequest | undefined) : undefined;
    return [{ uploadId: item.uploadId, key: request && readKey(request, bucket) }];
  });
}

function parse(text: string): Answer {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Answer) : {};
  } catch {
    return {};
  }
}

function readKey({ url, fields }: PresignedRequest, bucket: string): string | undefined {
  if (fields) return fields.key;
  const path = new URL(url).pathname;
  const prefix = `/${bucket}/`;
  return path.startsWith(prefix) ? decodeURIComponent(path.slice(prefix.length)) : undefined;
}
