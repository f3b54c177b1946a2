/**
 * What `details` of an error holds, by its code. `message` is for the person who uploads; `hint` is for the developer: what
 * was seen, and which option or header to change. Never a URL with a query, a grant or a secret.
 */
import type { ErrorCode } from './errors.ts';

export interface Hint {
  /** One or two sentences for the developer. Do not show it to users. */
  hint?: string;
}

/** Codes that an app throws itself (`authorize`, `inspect`) may carry facts of the app's own. */
type AppDetails = Hint & { [name: string]: unknown };

interface FileSizeDetails extends Hint {
  /** Bytes of the file. */
  size: number;
}

/** One rule that a request breaks. */
export interface Issue {
  /** Dotted, such as `files.0.size`; empty for the body itself. */
  path: string;
  message: string;
}

export interface ErrorDetails {
  invalid_request: Hint & { issues?: Issue[]; [name: string]: unknown };
  unauthenticated: AppDetails;
  /** `origin` is the page's, `host` what the server was called by: set when a page of another origin was refused. */
  forbidden: AppDetails & { origin?: string; host?: string };
  grant_invalid: Hint;
  /** `limit` and `used` are bytes, or files for `maxFiles`. `quota`: over all routes, or of this one. */
  quota_exceeded: AppDetails & {
    quota?: 'owner' | 'route';
    rule?: 'maxBytes' | 'maxFiles' | 'maxPendingBytes';
    limit?: number;
    used?: number;
  };
  route_not_found: Hint;
  upload_not_found: Hint;
  method_not_allowed: Hint & { allow: string };
  upload_conflict: Hint & { state?: 'completing' | 'completed' | 'rejected' | 'aborted' | 'expired' | 'deleted' };
  /** Part numbers that the storage does not have yet, at most 1,000 of them. */
  object_not_ready: Hint & { missing?: number[] };
  upload_expired: Hint;
  /** Bytes of a request body. */
  request_too_large: Hint & { maxBytes: number };
  file_too_large: FileSizeDetails & { maxBytes: number };
  file_too_small: FileSizeDetails & { minBytes: number };
  /** `contentType` is what was declared; `contentTypes` and `extensions` are what the route takes. */
  content_type_not_allowed: Hint & { contentType: string; contentTypes?: string[]; extensions?: string[] };
  /** `maxFiles` in one request, of which there were `files`. */
  too_many_files: Hint & { maxFiles: number; files: number };
  part_invalid: Hint & { partNumber?: number; size?: number; planned?: number };
  /** Bytes: what was declared, and what the storage has. */
  size_mismatch: Hint & { declared: number | null; stored: number };
  checksum_mismatch: Hint;
  /** `detected` says in words what the content looks like. */
  content_type_mismatch: Hint & { declared: string; detected?: string };
  upload_rejected: AppDetails;
  rate_limited: AppDetails;
  internal_error: AppDetails;
  /** The storage's own code, such as `NoSuchBucket`. In a client: the status of its answer. */
  storage_rejected: Hint & { storageCode?: string; [name: string]: unknown };
  callback_failed: Hint;
  storage_unavailable: Hint & { storageCode?: string; [name: string]: unknown };
  ledger_unavailable: Hint;
  aborted: Hint;
  network_error: Hint & Partial<TriedRequest>;
  timeout: Hint & Partial<TriedRequest>;
  source_unreadable: Hint;
  source_changed: Hint;
  cors_blocked: Hint & { origin?: string; bucket?: string; method?: string; headers?: string[] };
  config_invalid: Hint;
}

/** A request that had no readable answer. */
export interface TriedRequest {
  method: string;
  /** Without the query, which is a secret. */
  url: string;
  headers: string[];
  /** Bytes of the body that the other side took. */
  moved: number;
}

export type DetailsOf<Code extends ErrorCode> = ErrorDetails[Code];
