import { redact } from '../s3/redact.ts';

/** What a log may say of an unknown error: its stack and its causes, redacted. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return redact(String(error));
  const cause = error.cause === undefined ? '' : `\ncaused by: ${describe(error.cause)}`;
  return redact(error.stack ?? `${error.name}: ${error.message}`) + cause;
}
