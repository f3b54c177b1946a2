import { extensionOf, formatOf, formatsOfExtension } from '../../protocol/index.ts';
import { leadingUploadId } from '../shared/upload-id.ts';

const maxKeyBytes = 1024;
const maxSegmentBytes = 128;
// biome-ignore lint/suspicious/noControlCharactersInRegex: this expression must find control characters
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Keys that can break no rule. One test replaces several for nearly every key. */
const plainKey = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

const plainSegment = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/** Returns the rule that a key breaks, or null. Every key is checked, also a default key. */
export function findBrokenKeyRule(key: unknown, stagingPrefix: string): string | null {
  if (typeof key !== 'string') return 'a key is a string';
  if (key.length === 0) return 'a key is not empty';
  if (key.startsWith(stagingPrefix)) return `a key is outside the staging prefix "${stagingPrefix}"`;
  if (key.length <= maxKeyBytes && plainKey.test(key)) return null;
  const rule = findBrokenTextRule(key);
  if (rule) return rule;
  if (Buffer.byteLength(key) > maxKeyBytes) return `a key has at most ${maxKeyBytes} bytes`;
  for (const segment of key.split('/')) {
    if (segment === '') return 'a key has no empty segment and neither begins nor ends with "/"';
    // URL parsers resolve dot segments, even percent-encoded ones, so the signature would be for another key.
    if (segment === '.' || segment === '..') return 'no segment of a key is "." or ".."';
  }
  return null;
}

/** Returns the rule that an `ownerId` breaks, or null. It becomes one segment of a key. */
export function findBrokenOwnerRule(ownerId: unknown): string | null {
  if (typeof ownerId !== 'string') return 'an ownerId is a string';
  if (ownerId.length <= maxSegmentBytes && plainSegment.test(ownerId)) return null;
  if (ownerId === '' || ownerId === '.' || ownerId === '..') return 'an ownerId is not empty, "." or ".."';
  if (ownerId.includes('/')) return 'an ownerId has no "/"';
  if (Buffer.byteLength(ownerId) > maxSegmentBytes) return `an ownerId has at most ${maxSegmentBytes} bytes`;
  return findBrokenTextRule(ownerId);
}

function findBrokenTextRule(text: string): string | null {
  if (control.test(text)) return 'no control character may appear';
  if (text.includes('\\')) return 'no backslash may appear';
  // A POST form expands ${filename} in its key.
  if (text.includes('${')) return 'no "${" may appear';
  if (/\p{Surrogate}/u.test(text)) return 'no lone surrogate may appear';
  return null;
}

/**
 * Returns the extension for a key, in lower case without the dot, or ''. A server or a CDN in front of the bucket may
 * derive the type from the extension. So the extension of active content is kept only when the file has that type,
 * which the route then allows.
 */
export function keyExtension(fileName: string, contentType: string): string {
  const extension = extensionOf(fileName);
  const named = formatsOfExtension(extension);
  if (!named.some(({ active, runsOnServers }) => active || runsOnServers)) return extension;
  const format = formatOf(contentType);
  const isOfType = named.some(
    (one) =>
      one === format ||
      one.holds.includes(format?.type ?? '') ||
      (one.type === 'application/xml' && contentType.endsWith('+xml')),
  );
  return isOfType ? extension : '';
}

export function defaultKey(claims: {
  route: string;
  ownerId: string;
  uploadId: string;
  fileName: string;
  contentType: string;
}): string {
  const extension = keyExtension(claims.fileName, claims.contentType);
  const base = `${claims.route}/${claims.ownerId}/${claims.uploadId}`;
  return extension ? `${base}.${extension}` : base;
}

/** Returns the upload id in a {@link defaultKey}, or null for another key. */
export function uploadIdOfKey({ route, ownerId, key }: { route: string; ownerId: string; key: string }): string | null {
  const folder = `${route}/${ownerId}/`;
  return key.startsWith(folder) ? uploadIdOfSegment(key.slice(folder.length)) : null;
}

/** The upload id in the last segment of a {@link defaultKey}, or null for another segment. */
function uploadIdOfSegment(segment: string): string | null {
  const uploadId = leadingUploadId(segment);
  const rest = segment.slice(uploadId?.length);
  return rest === '' || (rest.startsWith('.') && !rest.includes('/')) ? uploadId : null;
}

/**
 * Whether a route without a `key` callback would give this key to another upload. A view of such a key does not check
 * which upload stored the object, so no `key` callback may return it.
 */
export function isAnotherDefaultKey(
  key: string,
  uploadId: string,
  hasDefaultKeys: (route: string) => boolean,
): boolean {
  const [route = '', ownerId = '', file = '', ...more] = key.split('/');
  if (more.length > 0 || ownerId === '') return false;
  const named = uploadIdOfSegment(file) ?? uploadId;
  return named !== uploadId && hasDefaultKeys(route);
}

/** Returns the rule that the result of a `key` callback breaks, see {@link isAnotherDefaultKey}, or null. */
export function findBrokenDefaultKeyRule(
  { routes }: { routes: ReadonlyMap<string, { definition: { key?: unknown } }> },
  { definition }: { definition: { key?: unknown } },
  uploadId: string,
  key: string,
): string | null {
  if (!definition.key) return null;
  const hasDefaultKeys = (name: string) => routes.has(name) && !routes.get(name)?.definition.key;
  return isAnotherDefaultKey(key, uploadId, hasDefaultKeys) ? 'it is the default key of another upload' : null;
}
