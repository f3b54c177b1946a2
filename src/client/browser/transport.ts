import type { Source, Transport } from '../types.ts';
import { sendXhr } from './xhr.ts';

export const browserTransport: Transport = {
  async send(request) {
    const { source, fields, body = null } = request;
    return sendXhr(request, source ? formOf(await blobOf(source), fields) : body);
  },
};

/** Returns the File itself where there is one, because browsers send it from disk without copying it. */
export async function blobOf(source: Source): Promise<Blob> {
  return source.blob ?? new Blob([(await source.read(0, source.size)) as Uint8Array<ArrayBuffer>]);
}

function formOf(blob: Blob, fields: Record<string, string> | undefined): Blob | FormData {
  if (!fields) return blob;
  const form = new FormData();
  for (const name in fields) form.append(name, fields[name] as string);
  form.append('file', blob);
  return form;
}
