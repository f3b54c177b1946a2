/**
 * Builds the multipart/form-data (RFC 7578) around bytes of known size, so that Content-Length is known before sending.
 */
export interface FormFrame {
  contentType: string;
  head: Uint8Array;
  tail: Uint8Array;
}

export function frameForm(fields: Record<string, string>, boundary: string): FormFrame {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(fields))
    lines.push(`--${boundary}`, `Content-Disposition: form-data; name="${escapeName(name)}"`, '', value);
  // The storage takes the name from the policy's fields and ignores this one.
  lines.push(
    `--${boundary}`,
    'Content-Disposition: form-data; name="file"; filename="file"',
    'Content-Type: application/octet-stream',
    '',
    '',
  );
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    head: Buffer.from(lines.join('\r\n')),
    tail: Buffer.from(`\r\n--${boundary}--\r\n`),
  };
}

/**
 * Escapes a name as browsers do:
 * https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
 */
function escapeName(name: string): string {
  return name.replace(/[\r\n"]/g, (character) => encodeURIComponent(character));
}
