/**
 * Logs one line of JSON for each request, upload and failure. Events contain no secrets, but messages of libraries
 * might, so every text is redacted again (attack G5 in docs/threat-model.md).
 */
import pino, { type DestinationStream, type Logger } from 'pino';
import { redact } from '../../s3/index.ts';
import type { EventName, UploadsEvent } from '../../server/index.ts';

const levels: Readonly<Partial<Record<EventName, 'debug' | 'warn' | 'error'>>> = {
  'request.failed': 'warn',
  'callback.failed': 'error',
  'callback.data_dropped': 'error',
  'storage.error': 'error',
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
        log: (facts) => Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, redactValue(value)])),
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
            args.map((one) => (one instanceof Error ? { reason: redactValue(one) } : redactValue(one))) as Parameters<
              typeof method
            >,
          );
        },
      },
    },
    destination,
  );
}

function redactValue(value: unknown): unknown {
  if (value instanceof Error) return redact(value.stack ?? `${value.name}: ${value.message}`);
  return typeof value === 'string' ? redact(value) : value;
}

export function logEvent(logger: Logger, event: UploadsEvent): void {
  const { type, at: _, ...facts } = event;
  const failed = type === 'request.failed' && event.status >= 500;
  logger[failed ? 'error' : (levels[type] ?? 'info')](facts, type);
}
