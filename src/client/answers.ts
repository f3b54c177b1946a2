/** Small facts about requests and answers that every way of sending needs. */
import type { TransportRequest } from './types.ts';

/** Without those that the platform sets: a form's type carries its boundary, and pages may not set a length. */
export function headersOf({ headers, fields }: TransportRequest): [string, string][] {
  return Object.entries(headers).filter(([name]) => !(fields ? /^content-/i : /^content-length$/i).test(name));
}

export function isTemporary(status: number): boolean {
  return /^(5|408|429)/.test(`${status}`);
}

/** Of an absolute endpoint; empty for one that is relative to the page. */
export function originOf(url: string): string {
  return /^\w+:\/\/[^/]+/.exec(url)?.[0] ?? '';
}
