/** Parses the options of `waybill up`. */
import { type Client, isWaybillError, type RouteInfo, type WaybillError } from '../../client/node/index.ts';
import { CliError, environmentError } from '../cli-error.ts';

/** Parses an http(s) URL. A URL without a path gets the path `/uploads`. @throws CliError */
export function parseEndpoint(text: string | undefined): string {
  if (text === undefined)
    throw new CliError('--to is missing, the URL of the server.', {
      hint: 'Add --to https://app.example/uploads, or set WAYBILL_TO.',
    });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    const missing = /^[\w.-]+(:\d+)?(\/|$)/.test(text) ? ` Did you mean http://${text}?` : '';
    throw new CliError(`"${text}" is not a URL.${missing}`, { hint: 'For example: --to https://app.example/uploads' });
  }
  if (url.username || url.password)
    throw new CliError('--to must not contain a user name or password.', {
      hint: "Send them in a header: --header 'Authorization: ...'",
    });
  if (url.search || url.hash) throw new CliError('--to must not contain "?" or "#".');
  const path = url.pathname.replace(/(?<!\/)\/+$/, '');
  return `${url.origin}${path === '' ? '/uploads' : path}`;
}

export function parseRoute(text: string | undefined): string {
  if (text !== undefined && text !== '') return text;
  throw new CliError('--route is missing, the route of the server for these files.', {
    hint: 'The routes of waybill dev are "files" and "photos".',
  });
}

export function parseHeaders(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? [];
    // The message does not repeat the value, which may be a secret.
    if (name === undefined || value === undefined)
      throw new CliError("A --header must look like 'Name: value'.", {
        hint: "For example: --header 'Authorization: Bearer ...'",
      });
    headers[name.toLowerCase()] = value.trim();
  }
  return headers;
}

export function parseMetadata(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new CliError('--metadata is not JSON.', { hint: `For example: --metadata '{"album":"2026"}'` });
  }
}

/** Checks that the server answers, is a Waybill server, and has the route. @throws CliError */
export async function checkServer(client: Client, endpoint: string, route: string): Promise<RouteInfo> {
  try {
    return await client.routeInfo(route);
  } catch (error) {
    if (!isWaybillError(error)) throw error;
    if (error.code === 'route_not_found')
      throw new CliError(`The server has no route "${route}".`, {
        hint: `The server is ${endpoint}`,
      });
    const target = redirectTarget(error, route);
    if (target)
      throw environmentError(
        `The server at ${endpoint} redirects to another address.`,
        `Use the other address: --to ${target}`,
      );
    if (error.code === 'network_error' || error.code === 'timeout') {
      if (error.status === 0)
        throw environmentError(`Nothing answers at ${endpoint}`, 'Is the server running? Is the address right?');
      if (error.status >= 500 || error.status === 429)
        throw environmentError(`The server at ${endpoint} is out of order: HTTP ${error.status}.`, 'Try again later.');
    }
    if (error.code === 'internal_error' || error.code === 'network_error')
      throw environmentError(
        `The server at ${endpoint} is not a Waybill server (HTTP ${error.status}).`,
        'Use the URL of its uploads, such as https://app.example/uploads',
      );
    throw environmentError(`The server answered: ${error.message} (${error.code})`);
  }
}

/** Reads the URL to which the server redirects from the hint of the transport. Null when it does not redirect. */
function redirectTarget({ status, details }: WaybillError, route: string): string | null {
  if (status < 300 || status >= 400) return null;
  const [, target = ''] = /redirects to (\S+)\. /.exec(String((details as { hint?: unknown })?.hint)) ?? [];
  const ending = `/routes/${encodeURIComponent(route)}`;
  return target.endsWith(ending) ? target.slice(0, -ending.length) : target || null;
}
