/**
 * The fields of `details`, by error code. `message` is for the user; `hint` is for the developer: what happened, and
 * which option or header to change. Details never contain a URL with a query, a grant or a secret.
 */

export interface Hint {
  /** One or two sentences for the developer. Do not show it to users. */
  hint?: string;
}

/** Details of codes that apps throw themselves (`authorize`, `inspect`) may have fields of the app. */
type AppDetails = Hint & { [name: string]: unknown };

interface FileSizeDetails extends Hint {
  /** Bytes of the file. */
  size: number;
}

/** A rule of the protocol that a request breaks. */
export interface Issue {
  /** Where in the body: such as `files.0.size`; empty for the whole body. */
  path: string;
  message: string;
}

export interface ErrorDetails {
  invalid_request: Hint & { issues?: Issue[]; [name: string]: unknown };
  unauthenticated: AppDetails;
  /** Set when a page of another origin was refused: `origin` of the page, `host` that the request named. */
  forbidden: AppDetails & { origin?: string; host?: string };
  grant_invalid: Hint;
  /**
   * `limit` and `used` are bytes, or files for `maxFiles`. `quota` is that of the owner over all routes, or of one
   * route.
   */
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
  /** The numbers of parts that have not arrived, at most 1,000. */
  object_not_ready: Hint & { missing?: number[] };
  upload_expired: Hint;
  /** The largest request body, in bytes. */
  request_too_large: Hint & { maxBytes: number };
  file_too_large: FileSizeDetails & { maxBytes: number };
  file_too_small: FileSizeDetails & { minBytes: number };
  /** `contentType` was declared; `contentTypes` and `extensions` are what the route allows. */
  content_type_not_allowed: Hint & { contentType: string; contentTypes?: string[]; extensions?: string[] };
  /** The request had `files` files; `maxFiles` are allowed. */
  too_many_files: Hint & { maxFiles: number; files: number };
  part_invalid: Hint & { partNumber?: number; size?: number; planned?: number };
  /** The declared and the stored bytes. */
  size_mismatch: Hint & { declared: number | null; stored: number };
  checksum_mismatch: Hint;
  /** `detected` describes the content in words. */
  content_type_mismatch: Hint & { declared: string; detected?: string };
  upload_rejected: AppDetails;
  rate_limited: AppDetails;
  internal_error: AppDetails;
  /** `storageCode` is the storage's own error code, such as `NoSuchBucket`. */
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

/** A request that got no readable answer. */
export interface TriedRequest {
  method: string;
  /** Without its query, which is a secret. */
  url: string;
  headers: string[];
  /** Bytes of the body that were sent. */
  moved: number;
}

export type DetailsOf<Code extends keyof ErrorDetails> = ErrorDetails[Code];
