/**
 * Presigned URLs, grants and receipts are credentials. Everything that leaves as text (events, messages from below)
 * comes through here first.
 */
export function redact(text: string): string {
  return (
    text
      .replace(/([?&](?:x-amz-[a-z-]+|signature|awsaccesskeyid|policy)=)[^&\s"']*/gi, '$1[redacted]')
      .replace(/("?(?:authorization|cookie|set-cookie|x-amz-security-token)"?\s*[:=]\s*)[^\r\n,}]+/gi, '$1[redacted]')
      // Sealed things are long runs of base64url; nothing else here is.
      .replace(/[A-Za-z0-9_-]{80,}(?:\.[A-Za-z0-9_-]{22})?/g, '[redacted]')
  );
}

/** What a log may say of an unknown error: its stack, redacted. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return redact(String(error));
  const cause = error.cause === undefined ? '' : `\ncaused by: ${describe(error.cause)}`;
  return redact(error.stack ?? `${error.name}: ${error.message}`) + cause;
}
