/** Thrown by `listen()` when another process uses the port. */
export class PortInUseError extends Error {
  readonly code = 'port_in_use';
  readonly port: number;
  readonly host: string;

  constructor(port: number, host: string) {
    super(`Port ${port} on ${host} is in use. Choose another port, or stop the process that uses it.`);
    this.name = 'PortInUseError';
    this.port = port;
    this.host = host;
  }
}

export function isPortInUse(error: unknown): error is PortInUseError {
  return (error as { code?: unknown } | null)?.code === 'port_in_use';
}
