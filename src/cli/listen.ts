/** Listens on an address: checks whether it is public, finds a free port, and explains errors. */
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { CliError, environmentError } from './cli-error.ts';

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** @throws CliError for a public address without `--allow-public` */
export function checkHost(host: string, allowPublic: boolean): void {
  if (!/^[\w.:-]+$/.test(host)) throw new CliError(`"${host}" is not an address to listen on.`);
  if (isLoopback(host) || allowPublic) return;
  throw new CliError(`${host} can be reached by others, and this development server accepts everyone who reaches it.`, {
    hint: 'To listen there nevertheless, add --allow-public.',
  });
}

/** Finds the address to print and to sign for. For `0.0.0.0` and `::`, it is an address of this machine. */
export function reachableHost(host: string, interfaces = networkInterfaces()): string {
  if (host !== '0.0.0.0' && host !== '::') return host;
  for (const addresses of Object.values(interfaces))
    for (const { family, internal, address } of addresses ?? []) if (family === 'IPv4' && !internal) return address;
  return '127.0.0.1';
}

export function formatOrigin(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

export interface PortChoice {
  port: number;
  /** Whether the next free port may be used instead, because the user did not choose this one. */
  movable: boolean;
}

const maxPortsTried = 20;

/**
 * Listens on the port, or where allowed on the next free one.
 *
 * @param listen rejects with the code EADDRINUSE or port_in_use when the port is in use
 * @throws CliError
 */
export async function listenOn<T>(
  { port, movable }: PortChoice,
  host: string,
  listen: (port: number) => Promise<T>,
): Promise<T> {
  for (let at = port; ; at += 1) {
    try {
      return await listen(at);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const taken = code === 'EADDRINUSE' || code === 'port_in_use';
      if (taken && movable && at < port + maxPortsTried && at < 65_535) continue;
      throw toListenError(error, code, taken, at, host);
    }
  }
}

function toListenError(error: unknown, code: string | undefined, taken: boolean, port: number, host: string): unknown {
  if (taken)
    return environmentError(
      `Port ${port} is in use.`,
      'Choose another port with --port, or stop the program that uses it.',
    );
  if (code === 'EACCES')
    return environmentError(`You have no permission to use port ${port}.`, 'Choose a port above 1023 with --port.');
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return environmentError(`${host} is not an address of this machine.`, 'Choose another address with --host.');
  return error;
}
