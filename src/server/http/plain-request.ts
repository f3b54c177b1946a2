/**
 * A request and an answer as plain objects. The core works on these; Fetch and node:http are thin adapters, because a
 * `Request` and a `Response` alone cost as much as all of node:http.
 */
import type { CallbackRequest } from '../types.ts';

export interface PlainRequest {
  method: string;
  /** Percent-encoded as it arrived, without the query. */
  path: string;
  /** Without `?`. */
  query: string;
  /** `name` is lower case. */
  header(name: string): string | undefined;
  /** All of them, for callbacks that want a `Headers`. */
  headers(): Iterable<readonly [string, string]>;
  /** The whole body; null when it is longer than `maxBytes`, as soon as that is known. */
  body(maxBytes: number): Promise<Uint8Array | null>;
  /** The body when something before us has already parsed it (`express.json()`). */
  json?: unknown;
  /** The framework's own request, handed to callbacks. */
  raw: unknown;
  /** Where a function is stopped after its response: keeps it alive until this work is done. */
  waitUntil?: (work: Promise<unknown>) => void;
}

export interface PlainResponse {
  status: number;
  /** Lower-case names. */
  headers: Record<string, string>;
  /** Empty when there is none. */
  body: string;
}

/** What callbacks see of a request. `Headers` is made only when asked for. */
export class RequestView implements CallbackRequest {
  readonly #request: PlainRequest;
  #headers: Headers | undefined;

  constructor(request: PlainRequest) {
    this.#request = request;
  }

  get method(): string {
    return this.#request.method;
  }

  get path(): string {
    return this.#request.path;
  }

  get raw(): unknown {
    return this.#request.raw;
  }

  get headers(): Headers {
    this.#headers ??= new Headers([...this.#request.headers()].map(([name, value]) => [name, value]));
    return this.#headers;
  }

  header(name: string): string | undefined {
    return this.#request.header(name.toLowerCase());
  }
}
