/** What a route admits: types, their other spellings, wildcards; and what a type that says nothing stands for. */
import { WaybillError } from './errors.ts';
import { type Format, formatOf, formatsOfExtension, isActiveType, isSameFormat } from './formats/index.ts';
import { checkExtension, checkSize, extensionOf, type Limits } from './limits.ts';

/** RFC 9110 section 8.3.1, without parameters: a parameter would make two spellings of one type. */
const contentTypeShape = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$/;

/** Arbitrary bytes: never shown, only saved. */
export const unknownType = 'application/octet-stream';

export function isContentType(value: string): boolean {
  return contentTypeShape.test(value);
}

/**
 * What systems say when they do not know the type: nothing, `application/octet-stream` and its variants, a family
 * (Android's share intents and pickers say `image/*`, others `image`), or the names of
 * https://mimesniff.spec.whatwg.org/#sniffing-a-mislabeled-binary-resource.
 */
const placeholderShape =
  /^$|^[a-z]{1,16}(?:\/\*)?$|^\*(?:\/\*)?$|^(?:binary|application|content)\/(?:x-)?(?:octet-stream|unknown|binary|download|force-download|object)$|^unknown\//;

/** Whether a declared type leaves the decision to the file name: `''`, `application/octet-stream`, `image/*`, ... */
export function isPlaceholderType(declared: string): boolean {
  return placeholderShape.test(declared);
}

/** `image` of `image/*` and of `image`. Empty for a placeholder that names no family. */
export function familyOfPlaceholder(declared: string): string {
  return /^(image|video|audio|font|text|model)(?:\/\*)?$/.exec(declared)?.[1] ?? '';
}

const familyOf = (type: string) => type.slice(0, type.indexOf('/'));

/**
 * Whether a wildcard of this family admits the type. A format is in the family of its canonical spelling and in those
 * that the table adds; what is canonically `application/...` is also in the family of the spelling that was declared.
 */
function isInFamily(family: string, contentType: string, format: Format | undefined): boolean {
  const own = familyOf(contentType);
  if (!format) return own === family;
  const canonical = familyOf(format.type);
  if (canonical === family || format.families.includes(family)) return true;
  return own === family && (canonical === 'application' || family === 'application');
}

/**
 * Whether a route's list admits a type: one of its entries is a spelling of the same format, or a wildcard of its family.
 *
 * @param patterns absent: any type that is not active
 */
export function contentTypeAllowed(patterns: readonly string[] | undefined, contentType: string): boolean {
  if (!patterns) return !isActiveType(contentType);
  if (patterns.includes(contentType)) return true;
  const format = formatOf(contentType);
  const active = isActiveType(contentType);
  return patterns.some((pattern) => {
    if (!pattern.endsWith('/*')) return isSameFormat(pattern, contentType);
    return !active && (pattern === '*/*' || isInFamily(pattern.slice(0, -2), contentType, format));
  });
}

/** Whether the route names the type or another spelling of it, and not only a wildcard that admits it. */
export function isNamedType(patterns: readonly string[] | undefined, contentType: string): boolean {
  return patterns?.some((pattern) => isSameFormat(pattern, contentType)) ?? false;
}

/**
 * The spelling under which a file is stored and reported: the one that the route's list names, so that an application
 * reads what it wrote, else the canonical one, else (where the list admits only this spelling) the declared one.
 */
export function storedSpelling(patterns: readonly string[] | undefined, contentType: string): string {
  const format = formatOf(contentType);
  if (!format) return contentType;
  const named = patterns?.find((pattern) => formatOf(pattern) === format);
  if (named !== undefined) return named;
  return contentTypeAllowed(patterns, format.type) ? format.type : contentType;
}

/**
 * What a file with this name and this declared type may be, the likeliest first. The declared type comes first where it
 * says something; the extension adds the other formats that share it (`.ts`), that systems are known to declare
 * under this type (`.csv` as Excel), or of which the declared one is the general case (`.docx` as zip).
 */
export function possibleTypes(declared: string, fileName: string): string[] {
  const named = formatsOfExtension(extensionOf(fileName));
  if (isPlaceholderType(declared)) {
    const family = familyOfPlaceholder(declared);
    if (family !== '') return typesOf(named.filter((format) => isInFamily(family, format.type, format)));
    return [...typesOf(named), unknownType];
  }
  const format = formatOf(declared);
  if (!format) return [declared, ...typesOf(named)];
  const declaresAnother = named.filter((other) => other.declaredAs.some((type) => isSameFormat(type, declared)));
  const related = named.includes(format) ? named : named.filter((other) => isSpecialCaseOf(other, format));
  return [...new Set([...typesOf(declaresAnother), declared, ...typesOf(related.filter((other) => other !== format))])];
}

const typesOf = (list: readonly Format[]) => list.map(({ type }) => type);

function isSpecialCaseOf(format: Format, general: Format): boolean {
  if (general.type === 'text/plain') return format.text !== false && !format.active;
  return format.of === general.type || (general.type === 'application/ogg' && format.container === 'ogg');
}

/** What a declaration comes to on a route. */
export interface ResolvedType {
  /** What is signed. Where `admitted` is false, what the refusal names. */
  contentType: string;
  admitted: boolean;
  /** The declared type said nothing. `by-content`: neither did the name, and only the bytes can tell. */
  guessed: false | 'by-extension' | 'by-content';
}

/**
 * The type to sign for a declaration, before anything is sent. Whether it is right is checked with the content later.
 *
 * @param declared as the client sent it; absent or a placeholder when nobody knows
 */
export function resolveContentType(
  patterns: readonly string[] | undefined,
  declared: string | undefined,
  fileName: string,
): ResolvedType {
  const said = declared ?? '';
  const possible = possibleTypes(said, fileName);
  const admitted = possible.find((type) => contentTypeAllowed(patterns, type));
  const guesses = isPlaceholderType(said);
  if (admitted !== undefined) {
    const guessed = guesses && admitted !== unknownType ? 'by-extension' : false;
    return { contentType: storedSpelling(patterns, admitted), admitted: true, guessed };
  }
  const family = familyOfPlaceholder(said);
  const [named] = formatsOfExtension(extensionOf(fileName));
  if (!named && family !== '' && admitsSomeOf(patterns, family))
    return { contentType: unknownType, admitted: true, guessed: 'by-content' };
  return { contentType: possible[0] ?? named?.type ?? unknownType, admitted: false, guessed: false };
}

function admitsSomeOf(patterns: readonly string[] | undefined, family: string): boolean {
  return !patterns || patterns.some((pattern) => pattern === '*/*' || familyOf(pattern) === family);
}

/**
 * The other types that a stored object may turn out to be, when its bytes are not of the signed one. Each is admitted by
 * the route, as if it had been declared.
 */
export function otherTypes(
  patterns: readonly string[] | undefined,
  { contentType, fileName, guessed }: { contentType: string; fileName: string; guessed: ResolvedType['guessed'] },
): string[] {
  const possible = possibleTypes(contentType, fileName).filter((type) => !isSameFormat(type, contentType));
  if (guessed === 'by-extension') possible.push(unknownType);
  return [...new Set(possible)]
    .filter((type) => contentTypeAllowed(patterns, type))
    .map((type) => storedSpelling(patterns, type));
}

/** The error for a file that breaks the limits, or null. */
export function checkLimits(
  limits: Limits,
  file: { fileName: string; size: number; contentType: string },
): WaybillError | null {
  return (
    checkSize(limits, file.size) ??
    (contentTypeAllowed(limits.contentTypes, file.contentType) ? null : typeNotAllowed(limits, file.contentType)) ??
    checkExtension(limits, file.fileName, file.contentType)
  );
}

export function typeNotAllowed({ contentTypes }: Limits, contentType: string): WaybillError {
  return new WaybillError('content_type_not_allowed', `Files of the type ${contentType} are not accepted here.`, {
    details: { contentType, ...(contentTypes ? { contentTypes: [...contentTypes] } : {}) },
  });
}
