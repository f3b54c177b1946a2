/** 32 lower-case hexadecimal digits: as text, to be part of a larger pattern. */
export const uploadIdPattern = '[0-9a-f]{32}';

const wholeUploadId = new RegExp(`^${uploadIdPattern}$`);

export function isUploadId(text: string): boolean {
  return wholeUploadId.test(text);
}
