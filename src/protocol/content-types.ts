/**
 * Which content types a route admits: by name, by another spelling of the format, by wildcard, by file name extension.
 */
import { WaybillError } from './errors.ts';
import { type Format, formatOf, formatsOfExtension, isActiveType, isSameFormat } from './formats/index.ts';
import { checkExtension, checkSize, extensionOf, type Limits } from './limits.ts';

/** RFC 9110 section 8.3.1, without parameters, which would give one type many spellings. */
const contentTypeShape = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$/;

/** The type of arbitrary bytes. Such a file is never displayed, only downloaded. */
export const unknownType = 'application/octet-stream';

export function isContentType(value: string): boolean {
  return contentTypeShape.test(value);
}

/**
 * What systems declare when they do not know the type: the empty string, `application/octet-stream` and its variants, a
 * family (Android's share intents and pickers declare `image/*`, others `image`), or the names of
 * https://mimesniff.spec.whatwg.org/#sniffing-a-mislabeled-binary-resource.
 */
const placeholders = [
  /^$/,
  /^[a-z]{1,16}(?:\/\*)?$/,
  /^\*(?:\/\*)?$/,
  /^(?:binary|application|content)\/(?:x-)?(?:octet-stream|unknown|binary|download|force-download|object)$/,
  /^unknown\//,
];

/** Whether the file name decides instead of this declared type: `''`, `application/octet-stream`, `image/*`, ... */
export function isPlaceholderType(declared: string): boolean {
  return placeholders.some((pattern) => pattern.test(declared));
}

/** @returns `image` for `image/*` and `image`; the empty string for a placeholder without a family */
export function familyOfPlaceholder(declared: string): string {
  return /^(image|video|audio|font|text|model)(?:\/\*)?$/.exec(declared)?.[1] ?? '';
}

const familyOf = (type: string) => type.slice(0, type.indexOf('/'));

/**
 * Whether a wildcard of this family admits the type. A format belongs to the family of its canonical type and to those
 * that the table adds. A format whose canonical type is `application/...` also belongs to the family of the declared
 * spelling.
 */
function isInFamily(family: string, contentType: string, format: Format | undefined): boolean {
  const declaredFamily = familyOf(contentType);
  if (!format) return declaredFamily === family;
  const canonical = familyOf(format.type);
  if (canonical === family || format.families.includes(family)) return true;
  return declaredFamily === family && (canonical === 'application' || family === 'application');
}

/**
 * Whether the list of a route admits a type: an entry is a spelling of the same format, or a wildcard of its family.
 *
 * @param patterns undefined admits every type that is not active
 */
export function isContentTypeAllowed(patterns: readonly string[] | undefined, contentType: string): boolean {
  if (!patterns) return !isActiveType(contentType);
  if (patterns.includes(contentType)) return true;
  const format = formatOf(contentType);
  const active = isActiveType(contentType);
  return patterns.some((pattern) => {
    if (!pattern.endsWith('/*')) return isSameFormat(pattern, contentType);
    return !active && (pattern === '*/*' || isInFamily(pattern.slice(0, -2), contentType, format));
  });
}

/** Whether the list names the type or another spelling of it. A wildcard is not a name. */
export function isNamedType(patterns: readonly string[] | undefined, contentType: string): boolean {
  return patterns?.some((pattern) => isSameFormat(pattern, contentType)) ?? false;
}

/**
 * The spelling under which a file is stored and reported: the one in the route's list, so that an app reads what it
 * configured; else the canonical one; else, where the list does not admit that one, the declared one.
 */
export function chooseSpelling(patterns: readonly string[] | undefined, contentType: string): string {
  const format = formatOf(contentType);
  if (!format) return contentType;
  const named = patterns?.find((pattern) => formatOf(pattern) === format);
  if (named !== undefined) return named;
  return isContentTypeAllowed(patterns, format.type) ? format.type : contentType;
}

/**
 * The types that a file with this name and declared type can have, the most likely first. A declared type that is no
 * placeholder comes first. The extension adds formats that share it (`.ts`), that some systems declare under this type
 * (`.csv` as Excel), and that are special cases of the declared one (`.docx` of zip).
 */
export function listPossibleTypes(declared: string, fileName: string): string[] {
  const byName = formatsOfExtension(extensionOf(fileName));
  if (isPlaceholderType(declared)) {
    const family = familyOfPlaceholder(declared);
    if (family !== '') return typesOf(byName.filter((format) => isInFamily(family, format.type, format)));
    return [...typesOf(byName), unknownType];
  }
  const format = formatOf(declared);
  if (!format) return [declared, ...typesOf(byName)];
  const declaredAs = byName.filter((other) => other.declaredAs.some((type) => isSameFormat(type, declared)));
  const related = byName.includes(format) ? byName : byName.filter((other) => isSpecialCaseOf(other, format));
  return [...new Set([...typesOf(declaredAs), declared, ...typesOf(related.filter((other) => other !== format))])];
}

const typesOf = (list: readonly Format[]) => list.map(({ type }) => type);

function isSpecialCaseOf(format: Format, general: Format): boolean {
  if (general.type === 'text/plain') return format.text !== false && !format.active;
  return format.of === general.type || (general.type === 'application/ogg' && format.container === 'ogg');
}

/** The type of a declared file on a route. */
export interface ResolvedType {
  /** The type to sign, or to name in the error when `admitted` is false. */
  contentType: string;
  admitted: boolean;
  /** Set when a placeholder was declared. `by-content`: the file name has no known extension either. */
  guessed: false | 'by-extension' | 'by-content';
}

/**
 * Chooses the type to sign for a declared file. The content is compared with it after the upload.
 *
 * @param declared the type from the client; undefined or a placeholder when it is not known
 */
export function resolveContentType(
  patterns: readonly string[] | undefined,
  declared: string | undefined,
  fileName: string,
): ResolvedType {
  const type = declared ?? '';
  const possible = listPossibleTypes(type, fileName);
  const admitted = possible.find((one) => isContentTypeAllowed(patterns, one));
  const isPlaceholder = isPlaceholderType(type);
  if (admitted !== undefined) {
    const guessed = isPlaceholder && admitted !== unknownType ? 'by-extension' : false;
    return { contentType: chooseSpelling(patterns, admitted), admitted: true, guessed };
  }
  const family = familyOfPlaceholder(type);
  const [named] = formatsOfExtension(extensionOf(fileName));
  if (!named && family !== '' && admitsFamily(patterns, family))
    return { contentType: unknownType, admitted: true, guessed: 'by-content' };
  return { contentType: possible[0] ?? named?.type ?? unknownType, admitted: false, guessed: false };
}

function admitsFamily(patterns: readonly string[] | undefined, family: string): boolean {
  return !patterns || patterns.some((pattern) => pattern === '*/*' || familyOf(pattern) === family);
}

/**
 * The types to try when the bytes of a stored object are not of the signed type. The route admits each of them as if it
 * had been declared.
 */
export function listOtherTypes(
  patterns: readonly string[] | undefined,
  { contentType, fileName, guessed }: { contentType: string; fileName: string; guessed: ResolvedType['guessed'] },
): string[] {
  const possible = listPossibleTypes(contentType, fileName).filter((type) => !isSameFormat(type, contentType));
  if (guessed === 'by-extension') possible.push(unknownType);
  return [...new Set(possible)]
    .filter((type) => isContentTypeAllowed(patterns, type))
    .map((type) => chooseSpelling(patterns, type));
}

/** @returns the error for a file that exceeds the limits, or null */
export function checkLimits(
  limits: Limits,
  file: { fileName: string; size: number; contentType: string },
): WaybillError | null {
  return (
    checkSize(limits, file.size) ??
    (isContentTypeAllowed(limits.contentTypes, file.contentType) ? null : typeNotAllowed(limits, file.contentType)) ??
    checkExtension(limits, file.fileName, file.contentType)
  );
}

export function typeNotAllowed({ contentTypes }: Limits, contentType: string): WaybillError {
  return new WaybillError('content_type_not_allowed', `Files of the type ${contentType} are not accepted here.`, {
    details: { contentType, ...(contentTypes ? { contentTypes: [...contentTypes] } : {}) },
  });
}
