import { redact } from '../../s3/index.ts';
import { cutText } from '../../s3/internal.ts';

/** The longest description, in characters. */
const maxLength = 4000;
/** The longest message of one error, in characters: it may quote what a user sent. Its stack follows. */
const maxMessage = 1000;
/** An error's causes may form a cycle, or a chain of any length. */
const maxCauses = 5;

/**
 * Describes an unknown error for a log: its stack and causes, redacted and cut to 4,000 characters. It never throws,
 * although apps throw anything: null-prototype objects, errors whose `message` throws, cycles of causes.
 */
export function describe(error: unknown): string {
  const texts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < maxCauses; depth += 1) {
    // Redacted before the cut, because half of a signature would not be recognised.
    texts.push(redact(textOf(current)));
    current = causeOf(current);
    if (current === undefined || current === null) break;
  }
  return texts.join('\ncaused by: ').slice(0, maxLength);
}

function textOf(error: unknown): string {
  try {
    return error instanceof Error ? stackOf(error) : cutText(String(error), maxMessage);
  } catch {
    return 'An error that cannot be shown as text.';
  }
}

function stackOf({ name, message, stack }: Error): string {
  const text = String(stack ?? `${name}: ${message}`);
  if (String(message).length <= maxMessage) return text;
  const at = text.indexOf(message);
  return `${name}: ${cutText(message, maxMessage)}${at === -1 ? '' : text.slice(at + message.length)}`;
}

function causeOf(error: unknown): unknown {
  try {
    return error instanceof Error ? error.cause : undefined;
  } catch {
    return undefined;
  }
}
