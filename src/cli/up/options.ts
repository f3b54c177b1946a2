/** What `waybill up` makes of its options, each with its own words when it is wrong. */
import { type Client, isWaybillError, type RouteInfo, type WaybillError } from '../../client/node/index.ts';
import { CliError, environmentError } from '../cli-error.ts';

/** @throws CliError unless it is an http(s) address; one without a path means its `/uploads` */
export function parseEndpoint(text: string | undefined): string {
  if (text === undefined)
    throw new CliError('Where to? --to is missing.', {
      hint: 'Like --to http://127.0.0.1:4400/uploads, or set WAYBILL_TO.',
    });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    const missing = /^[\w.-]+(:\d+)?(\/|$)/.test(text) ? ` Did you mean http://${text}?` : '';
    throw new CliError(`"${text}" is not a web address.${missing}`, { hint: 'Like --to https://app.example/uploads' });
  }
  if (url.username || url.password)
    throw new CliError('--to must not carry a user name or password.', {
      hint: "Send them with --header 'Authorization: ...'",
    });
  if (url.search || url.hash) throw new CliError('--to ends before the "?" or "#".');
  const path = url.pathname.replace(/(?<!\/)\/+$/, '');
  return `${url.origin}${path === '' ? '/uploads' : path}`;
}

export function parseRoute(text: string | undefined): string {
  if (text !== undefined && text !== '') return text;
  throw new CliError('By which route? --route is missing.', {
    hint: 'waybill dev has the routes "files" and "photos".',
  });
}

export function parseHeaders(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? [];
    // Its value may be a secret, so it is not repeated.
    if (name === undefined || value === undefined)
      throw new CliError("A --header must look like 'Name: value'.", { hint: "--header 'Authorization: Bearer ...'" });
    headers[name.toLowerCase()] = value.trim();
  }
  return headers;
}

export function parseMetadata(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new CliError('--metadata is not JSON.', { hint: `Like --metadata '{"album":"2026"}'` });
  }
}

/** Before the first byte is read: is there a server, is it ours, does it know the route? @throws CliError */
export async function checkServer(client: Client, endpoint: string, route: string): Promise<RouteInfo> {
  try {
    return await client.routeInfo(route);
  } catch (error) {
    if (!isWaybillError(error)) throw error;
    if (error.code === 'route_not_found')
      throw new CliError(`The server has no route "${route}".`, { hint: `Asked at ${endpoint}` });
    const target = redirectTarget(error, route);
    if (target)
      throw environmentError(`The server at ${endpoint} redirects to another address.`, `Use that one: --to ${target}`);
    if (error.code === 'network_error' || error.code === 'timeout') {
      if (error.status === 0)
        throw environmentError(`Nothing answers at ${endpoint}`, 'Is the server running? Is the address right?');
      if (error.status >= 500 || error.status === 429)
        throw environmentError(`The server at ${endpoint} is not well: HTTP ${error.status}.`, 'Try again later.');
    }
    if (error.code === 'internal_error' || error.code === 'network_error')
      throw environmentError(
        `What answers at ${endpoint} is not a Waybill server (HTTP ${error.status}).`,
        'The address must be that of its uploads, such as https://app.example/uploads',
      );
    throw environmentError(`The server says: ${error.message} (${error.code})`);
  }
}

/** Where the uploads of a server that redirects are, from what the transport says of it; null when it does not. */
function redirectTarget({ status, details }: WaybillError, route: string): string | null {
  if (status < 300 || status >= 400) return null;
  const [, target = ''] = /redirects to (\S+)\. /.exec(String((details as { hint?: unknown })?.hint)) ?? [];
  const ending = `/routes/${encodeURIComponent(route)}`;
  return target.endsWith(ending) ? target.slice(0, -ending.length) : target || null;
}
