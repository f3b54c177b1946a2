/** Where to listen: which addresses are public, what is in the way, which port to take. */
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { CliError, environmentError } from './cli-error.ts';

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** @throws CliError for a public address without `--allow-public` */
export function checkHost(host: string, knows: boolean): void {
  if (!/^[\w.:-]+$/.test(host)) throw new CliError(`"${host}" is not an address to listen on.`);
  if (isLoopback(host) || knows) return;
  throw new CliError(`${host} can be reached by others, and this development server lets everyone in who reaches it.`, {
    hint: 'If that is what you want: --allow-public',
  });
}

/** The address to print and to sign for, when listening on all of them. */
export function reachableHost(host: string, interfaces = networkInterfaces()): string {
  if (host !== '0.0.0.0' && host !== '::') return host;
  for (const addresses of Object.values(interfaces))
    for (const { family, internal, address } of addresses ?? []) if (family === 'IPv4' && !internal) return address;
  return '127.0.0.1';
}

export function origin(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

export interface PortWish {
  port: number;
  /** Nobody asked for this very port: the next free one will do. */
  movable: boolean;
}

const tries = 20;

/** @param listen rejects with an error whose code is EADDRINUSE or port_in_use @throws CliError */
export async function listenOn<T>(
  { port, movable }: PortWish,
  host: string,
  listen: (port: number) => Promise<T>,
): Promise<T> {
  for (let at = port; ; at += 1) {
    try {
      return await listen(at);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const taken = code === 'EADDRINUSE' || code === 'port_in_use';
      if (taken && movable && at < port + tries && at < 65_535) continue;
      throw listenProblem(error, code, taken, at, host);
    }
  }
}

function listenProblem(error: unknown, code: string | undefined, taken: boolean, port: number, host: string): unknown {
  if (taken)
    return environmentError(`Port ${port} is in use.`, 'Choose another with --port, or stop what listens there.');
  if (code === 'EACCES')
    return environmentError(`Port ${port} may not be used by you.`, 'Choose one above 1023 with --port.');
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return environmentError(`${host} is not an address of this machine.`);
  return error;
}
