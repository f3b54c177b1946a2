/** Which uploads an answer of the server is about, and where the storage will see their bytes. */
import type { PresignedRequest } from '../../protocol/index.ts';

interface Answered {
  uploads?: ({ uploadId?: string; request?: PresignedRequest } | null)[];
  results?: ({ uploadId?: string } | null)[];
  /** Requests for parts, which all go to one key; or parts that have arrived. */
  parts?: ({ request?: PresignedRequest } | null)[];
  uploadId?: string;
}

export interface AboutUpload {
  uploadId: string;
  key?: string | undefined;
  /** Its bytes travel in parts. */
  inParts?: boolean;
}

/** @param text the server's own answer, which it can be trusted to have written well */
export function grantedUploads(text: string, bucket: string): AboutUpload[] {
  const { uploads, results, parts, uploadId } = parse(text);
  if (typeof uploadId === 'string') return [{ uploadId }];
  const signed = parts?.find((part) => part?.request)?.request;
  if (signed) {
    // The server names the staged object after its upload.
    const key = keyOf(signed, bucket);
    return key === undefined ? [] : [{ uploadId: key.replace(/^.*\//, ''), key, inParts: true }];
  }
  return [...(uploads ?? []), ...(results ?? [])].flatMap((item) => {
    if (typeof item?.uploadId !== 'string') return [];
    const request = 'request' in item ? (item.request as PresignedRequest | undefined) : undefined;
    return [{ uploadId: item.uploadId, key: request && keyOf(request, bucket) }];
  });
}

function parse(text: string): Answered {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Answered) : {};
  } catch {
    return {};
  }
}

function keyOf({ url, fields }: PresignedRequest, bucket: string): string | undefined {
  if (fields) return fields.key;
  const path = new URL(url).pathname;
  const prefix = `/${bucket}/`;
  return path.startsWith(prefix) ? decodeURIComponent(path.slice(prefix.length)) : undefined;
}
