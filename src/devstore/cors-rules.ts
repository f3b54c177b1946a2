/**
 * The CORS rules of a bucket: their XML document, and the rule that applies to a request.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
 */
import { invalidRequest } from './errors.ts';
import { checkElement, getChildren, getChildText, malformed, readXml } from './xml-read.ts';
import { xmlDocument } from './xml-write.ts';

export interface CorsRule {
  /** A name of your choice. @default none @example 'app' */
  id?: string;
  /** At most one `*` each. @example ['https://app.example', 'http://localhost:*'] */
  allowedOrigins: string[];
  /** The methods that these origins may use. @example ['GET', 'HEAD', 'PUT', 'POST'] */
  allowedMethods: ('GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD')[];
  /** The headers that requests may carry, with at most one `*` each, in any case. @default none @example ['*'] */
  allowedHeaders?: string[];
  /** The headers of answers that a page's script may read. @default none @example ['ETag', 'Retry-After'] */
  exposeHeaders?: string[];
  /**
   * How long a browser may remember a preflight, in seconds. @default the browser's own (5 in Chromium) @example 3_600
   */
  maxAgeSeconds?: number;
}

const methods: ReadonlySet<string> = new Set(['GET', 'PUT', 'POST', 'DELETE', 'HEAD']);
const maxRules = 100;

/** @throws StoreError InvalidRequest */
export function checkCorsRules(rules: readonly CorsRule[]): CorsRule[] {
  for (const rule of rules) {
    const unsupported = rule.allowedMethods.find((method) => !methods.has(method));
    if (unsupported !== undefined)
      throw invalidRequest(`Found unsupported HTTP method in CORS config. Unsupported method is ${unsupported}`);
    for (const origin of rule.allowedOrigins)
      if (countWildcards(origin) > 1)
        throw invalidRequest(`AllowedOrigin "${origin}" can not have more than one wildcard.`);
    for (const name of rule.allowedHeaders ?? [])
      if (countWildcards(name) > 1)
        throw invalidRequest(`AllowedHeader "${name}" can not have more than one wildcard.`);
    for (const name of rule.exposeHeaders ?? [])
      if (name.includes('*'))
        throw invalidRequest(
          `ExposeHeader "${name}" contains wildcard. We currently do not support wildcard for ExposeHeader.`,
        );
    // The message of AWS says AllowedHeader for both.
    for (const name of [...(rule.allowedHeaders ?? []), ...(rule.exposeHeaders ?? [])])
      if (!headerNamePattern.test(name)) throw invalidRequest(`AllowedHeader "${name}" contains invalid character.`);
  }
  return [...rules];
}

/** A token of RFC 9110; `*` is one of its characters. */
const headerNamePattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function countWildcards(pattern: string): number {
  return pattern.split('*').length - 1;
}

/** @throws StoreError MalformedXML, InvalidRequest */
export function parseCorsDocument(xml: Buffer): CorsRule[] {
  const root = checkElement(readXml(xml), 'CORSConfiguration', ['CORSRule']);
  const rules = getChildren(root, 'CORSRule').map((element): CorsRule => {
    checkElement(element, 'CORSRule', [
      'ID',
      'AllowedOrigin',
      'AllowedMethod',
      'AllowedHeader',
      'ExposeHeader',
      'MaxAgeSeconds',
    ]);
    const all = (name: string) => getChildren(element, name).map((child) => child.text.trim());
    const id = getChildText(element, 'ID');
    const maxAge = getChildText(element, 'MaxAgeSeconds')?.trim();
    // AWS accepts a negative number.
    if (maxAge !== undefined && !/^-?\d{1,10}$/.test(maxAge)) throw malformed();
    if (all('AllowedOrigin').length === 0 || all('AllowedMethod').length === 0 || (id?.length ?? 0) > 255)
      throw malformed();
    return {
      ...(id === undefined ? {} : { id }),
      allowedOrigins: all('AllowedOrigin'),
      allowedMethods: all('AllowedMethod') as CorsRule['allowedMethods'],
      allowedHeaders: all('AllowedHeader'),
      exposeHeaders: all('ExposeHeader'),
      ...(maxAge === undefined ? {} : { maxAgeSeconds: Number(maxAge) }),
    };
  });
  if (rules.length === 0 || rules.length > maxRules) throw malformed();
  return checkCorsRules(rules);
}

export function corsDocument(rules: readonly CorsRule[]): string {
  return xmlDocument('CORSConfiguration', {
    CORSRule: rules.map((rule) => ({
      ID: rule.id,
      AllowedOrigin: rule.allowedOrigins,
      AllowedMethod: rule.allowedMethods,
      AllowedHeader: rule.allowedHeaders ?? [],
      ExposeHeader: rule.exposeHeaders ?? [],
      MaxAgeSeconds: rule.maxAgeSeconds,
    })),
  });
}

export interface CorsRequest {
  origin: string;
  method: string;
  /** Lower-case names that a preflight asks for. */
  headers: readonly string[];
}

/** Returns the first rule that allows the origin, the method and all headers. */
export function findRule(rules: readonly CorsRule[], request: CorsRequest): CorsRule | undefined {
  return rules.find(
    (rule) =>
      rule.allowedOrigins.some((pattern) => matchesPattern(pattern, request.origin)) &&
      rule.allowedMethods.some((method) => method === request.method) &&
      request.headers.every((name) =>
        (rule.allowedHeaders ?? []).some((pattern) => matchesPattern(pattern.toLowerCase(), name)),
      ),
  );
}

function matchesPattern(pattern: string, text: string): boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === text;
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail);
}

/** The headers of responses to preflights and to the requests themselves. */
export function corsHeaders(rule: CorsRule, request: CorsRequest): Record<string, string | undefined> {
  const allowsAnyOrigin = rule.allowedOrigins.find((pattern) => matchesPattern(pattern, request.origin)) === '*';
  const expose = rule.exposeHeaders ?? [];
  return {
    'access-control-allow-origin': allowsAnyOrigin ? '*' : request.origin,
    'access-control-allow-methods': rule.allowedMethods.join(', '),
    'access-control-allow-headers': request.headers.length > 0 ? request.headers.join(', ') : undefined,
    'access-control-expose-headers': expose.length > 0 ? expose.join(', ') : undefined,
    'access-control-max-age': rule.maxAgeSeconds === undefined ? undefined : String(rule.maxAgeSeconds),
    'access-control-allow-credentials': allowsAnyOrigin ? undefined : 'true',
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  };
}
