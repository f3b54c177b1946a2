/**
 * The calls to the app's server. What it says is parsed as if it were hostile: a proxy's error page, an older or newer
 * server, a captive portal. Nothing past this file sees an unparsed answer.
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
  call<T>(path: string, body: object | undefined, pick: Pick<T>): Promise<T>;
  /** One answer for each of `count` items in the body, found under `list`. */
  batch<T>(path: string, body: object, list: string, count: number, pick: Pick<T>): Promise<(T | WaybillError)[]>;
}

type ToError = (error: WireError | undefined) => WaybillError;
/** Takes what it needs from an answer's JSON, or throws anything. */
// biome-ignore lint/suspicious/noExplicitAny: unparsed on purpose; every use is checked or throws.
type Pick<T> = (json: any, toError: ToError) => T;

export function createApi(exchange: Exchange, options: ClientOptions): Api {
  const { endpoint, headers, credentials, onUnauthenticated } = options;

  /** Of the session, while `onUnauthenticated` is at work. */
  let renewal: Promise<void> | undefined;
  let renewals = 0;

  /** The session may have expired while bytes were sent: it is renewed, and the call made again, once. */
  async function ask(request: Parameters<Exchange>[0]): Promise<TransportResponse> {
    const send = async () => exchange({ ...request, headers: { ...request.headers, ...(await headers?.()) } });
    const before = renewals;
    const answer = await send();
    if (answer.status !== 401 || !(headers || onUnauthenticated)) return answer;
    // Calls that were refused together renew it once.
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

  async function call<T>(path: string, body: object | undefined, pick: Pick<T>): Promise<T> {
    const url = endpoint + path || '/';
    const answer = await ask({
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
      return pick(json, toError);
    } catch {
      throw json && !json.error?.code && status < 300
        ? failure('internal_error', 'The upload server is out of step with this app.', {
            status,
            details: { hint: `Unknown JSON from ${url}` },
          })
        : toError(json?.error);
    }
  }

  function batch<T>(path: string, body: object, list: string, count: number, check: Pick<T>) {
    return call<(T | WaybillError)[]>(path, body, (json, toError) => {
      insist(json[list].length === count);
      return json[list].map((item: { error?: WireError }) => (item.error ? toError(item.error) : check(item, toError)));
    });
  }

  return {
    call,
    batch,
    routeInfo: (route) =>
      call(`/routes/${encodeURIComponent(route)}`, undefined, (json) => {
        insist(json.limits.maxFiles > 0);
        return json;
      }),
    grant: (route, files) =>
      batch('', { route, files, transfers: ['form', 'put', 'multipart', 'none'] }, 'uploads', files.length, (item) => {
        insist(item.grant && (item.request ? item.request.url : item.transfer));
        return item;
      }),
    complete: (grants) =>
      batch('/complete', { grants }, 'results', grants.length, (item) => {
        const { file, data, completing } = item;
        if (completing) return item;
        // Relative to the server, which may be of another origin than this page.
        if (file.url[0] === '/') file.url = originOf(endpoint) + file.url;
        return { file, data };
      }),
  };
}

function insist(sound: unknown): void {
  if (!sound) throw 0;
}
