/** What of a request every platform with Blob and FormData makes alike. */
import type { TransportRequest } from './types.ts';

export async function bodyOf({ source, fields, body }: TransportRequest): Promise<Blob | FormData | string | null> {
  if (!source) return body ?? null;
  const blob = source.blob ?? new Blob([await source.read(0, source.size)]);
  if (!fields) return blob;
  const form = new FormData();
  for (const name in fields) form.append(name, fields[name] as string);
  form.append('file', blob);
  return form;
}

/** Without those that the platform sets: a form's type carries its boundary, and pages may not set a length. */
export function headersOf({ headers, fields }: TransportRequest): [string, string][] {
  return Object.entries(headers).filter(([name]) => !(fields ? /^content-/i : /^content-length$/i).test(name));
}
