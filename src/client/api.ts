/**
 * The calls to the app's server. Answers are parsed as hostile input: they may come from a proxy, a captive portal, or
 * an older or newer server. No other file sees an answer that is not parsed.
 */
import type {
  FileDeclaration,
  GrantedUpload,
  MultipartCompletion,
  PendingUpload,
  RouteInfo,
  WaybillError,
  WireError,
} from '../protocol/index.ts';
import { errorOf, originOf } from './answers.ts';
import { failure } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { ClientOptions, TransportResponse, UploadResult } from './types.ts';

export interface Api {
  routeInfo(route: string): Promise<RouteInfo>;
  grant(route: string, files: FileDeclaration[]): Promise<(GrantedUpload | WaybillError)[]>;
  complete(grants: (string | MultipartCompletion)[]): Promise<(UploadResult | PendingUpload | WaybillError)[]>;
  call<T>(path: string, body: object | undefined, parse: Parse<T>): Promise<T>;
  /** Makes a call about `count` items. The answer has one entry for each of them, in its field `list`. */
  batch<T>(path: string, body: object, list: string, count: number, parse: Parse<T>): Promise<(T | WaybillError)[]>;
}

type ToError = (error: WireError | undefined) => WaybillError;
/** Reads the JSON of an answer. Any exception means that the JSON has another shape. */
// biome-ignore lint/suspicious/noExplicitAny: not parsed yet; every use is checked or throws.
type Parse<T> = (json: any, toError: ToError) => T;

export function createApi(exchange: Exchange, options: ClientOptions): Api {
  const { endpoint, headers, credentials, onUnauthenticated } = options;

  /** The call of `onUnauthenticated` that has not ended. */
  let renewal: Promise<void> | undefined;
  let renewals = 0;

  /** After a 401, renews the session and repeats the call once: the session may have expired while bytes were sent. */
  async function sendAuthenticated(request: Parameters<Exchange>[0]): Promise<TransportResponse> {
    const send = async () => exchange({ ...request, headers: { ...request.headers, ...(await headers?.()) } });
    const before = renewals;
    const answer = await send();
    if (answer.status !== 401 || !(headers || onUnauthenticated)) return answer;
    // Calls that were refused together share one renewal.
    if (before === renewals)
      renewal ??= (async () => onUnauthenticated?.())()
        .then(() => {
          renewals++;
        })
        .finally(() => {
          renewal = undefined;
        });
    return (renewal ?? Promise.resolve()).then(send, () => answer);
  }

  async function call<T>(path: string, body: object | undefined, parse: Parse<T>): Promise<T> {
    const url = endpoint + path || '/';
    const answer = await sendAuthenticated({
      method: body ? 'POST' : 'GET',
      url,
      headers: { ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
      credentials,
    });
    const { status, text } = answer;
    const toError: ToError = (error) => errorOf(answer, url, error);
    let json: { error?: WireError } | undefined;
    try {
      json = JSON.parse(text);
      return parse(json, toError);
    } catch {
      throw json && !json.error?.code && status < 300
        ? failure('internal_error', 'The upload server is out of step with this app.', {
            status,
            details: { hint: `Unknown JSON from ${url}` },
          })
        : toError(json?.error);
    }
  }

  function batch<T>(path: string, body: object, list: string, count: number, parse: Parse<T>) {
    return call<(T | WaybillError)[]>(path, body, (json, toError) => {
      assertShape(json[list].length === count);
      return json[list].map((item: { error?: WireError }) => (item.error ? toError(item.error) : parse(item, toError)));
    });
  }

  return {
    call,
    batch,
    routeInfo: (route) =>
      call(`/routes/${encodeURIComponent(route)}`, undefined, (json) => {
        assertShape(json.limits.maxFiles > 0);
        return json;
      }),
    grant: (route, files) =>
      batch('', { route, files, transfers: ['form', 'put', 'multipart', 'none'] }, 'uploads', files.length, (item) => {
        assertShape(item.grant && (item.request ? item.request.url : item.transfer));
        return item;
      }),
    complete: (grants) =>
      batch('/complete', { grants }, 'results', grants.length, (item) => {
        const { file, data, completing } = item;
        if (completing) return item;
        // The URL is relative to the server, which may have another origin than this page.
        if (file.url[0] === '/') file.url = originOf(endpoint) + file.url;
        return { file, data };
      }),
  };
}

/** For parsers of answers. @throws TypeError when the answer has another shape */
export function assertShape(condition: unknown): void {
  if (!condition) throw new TypeError();
}
