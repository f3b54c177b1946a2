/**
 * One line of JSON for each request, upload and failure. What events carry is safe already; what else could slip in is
 * redacted once more (ATTACKS G5).
 */
import pino, { type DestinationStream, type Logger } from 'pino';
import { redact } from '../../s3/index.ts';
import type { EventName, UploadsEvent } from '../../server/index.ts';

const levels: Readonly<Partial<Record<EventName, 'debug' | 'warn' | 'error'>>> = {
  'request.failed': 'warn',
  'callback.failed': 'error',
  'callback.data_dropped': 'error',
  'storage.fault': 'error',
  'sweep.failed': 'error',
  'view.served': 'debug',
};

export function createLogger(level: string, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        // Whatever is said, in words of a library or of a database.
        log: (facts) => Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, clean(value)])),
      },
      redact: {
        paths: [
          '*.authorization',
          '*.cookie',
          '*.grant',
          '*.secret',
          '*.token',
          '*.url',
          'authorization',
          'cookie',
          'grant',
          'secret',
          'token',
          'url',
        ],
        censor: '[redacted]',
      },
      hooks: {
        logMethod(args, method) {
          method.apply(
            this,
            args.map((one) => (one instanceof Error ? { reason: clean(one) } : clean(one))) as Parameters<
              typeof method
            >,
          );
        },
      },
    },
    destination,
  );
}

function clean(value: unknown): unknown {
  if (value instanceof Error) return redact(value.stack ?? `${value.name}: ${value.message}`);
  return typeof value === 'string' ? redact(value) : value;
}

export function logEvent(logger: Logger, event: UploadsEvent): void {
  const { type, at: _, ...facts } = event;
  const failed = type === 'request.failed' && event.status >= 500;
  logger[failed ? 'error' : (levels[type] ?? 'info')](facts, type);
}
