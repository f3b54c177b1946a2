const length = 32;
const pattern = /^[0-9a-f]{32}$/;

/** An `uploadId` is 32 lower-case hexadecimal digits. */
export function isUploadId(text: string): boolean {
  return pattern.test(text);
}

/** The `uploadId` that a text begins with, or null. */
export function leadingUploadId(text: string): string | null {
  const start = text.slice(0, length);
  return isUploadId(start) ? start : null;
}
