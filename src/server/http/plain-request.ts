/**
 * Requests and responses as plain objects. The handler uses these, and the Fetch API and node:http have thin adapters,
 * because making a `Request` and a `Response` costs as much as the whole exchange in node:http.
 */
import type { CallbackRequest } from '../callback-inputs.ts';

export interface PlainRequest {
  method: string;
  /** Percent-encoded as it arrived, without the query. */
  path: string;
  /** Without `?`. */
  query: string;
  /** `name` is lower case. */
  header(name: string): string | undefined;
  /** All headers, from which `Headers` is made for callbacks that use it. */
  headers(): Iterable<readonly [string, string]>;
  /** Reads the whole body. Null, as early as possible, when it is longer than `maxBytes`. */
  body(maxBytes: number): Promise<Uint8Array | null>;
  /** The body when middleware, such as `express.json()`, has already parsed it. */
  json?: unknown;
  /** The framework's own request, handed to callbacks. */
  raw: unknown;
  /** On platforms that stop a function after its response: keeps the function alive until this work is done. */
  waitUntil?: (work: Promise<unknown>) => void;
}

export interface PlainResponse {
  status: number;
  /** Lower-case names. */
  headers: Record<string, string>;
  /** '' when the response has no body. */
  body: string;
}

/** The request as callbacks get it. */
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
