/**
 * Parses routes in JSON, which need no code. The owner of an upload comes from a proxy that authenticates users: it
 * sends the owner in a header and a secret that proves its identity. A route without owners has to say `anyone`.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import * as v from 'valibot';
import { type Authorize, anyone, type Owner, route } from '../../server/index.ts';
import { CliError } from '../cli-error.ts';
import type { AppConfig } from './app-config.ts';
import type { Variables } from './variables.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const quota = v.strictObject({
  maxBytes: v.optional(count),
  maxFiles: v.optional(count),
  maxPendingBytes: v.optional(count),
});
const rate = v.strictObject({ points: count, perSeconds: count });

const schema = v.strictObject({
  routes: v.record(
    v.string(),
    v.strictObject({
      authorize: v.union([
        v.literal('anyone'),
        v.strictObject({ ownerHeader: v.pipe(v.string(), v.regex(/^[a-z0-9-]+$/)) }),
      ]),
      limits: v.strictObject({
        maxBytes: count,
        minBytes: v.optional(count),
        maxFiles: v.optional(count),
        contentTypes: v.optional(v.array(v.string())),
        extensions: v.optional(v.array(v.string())),
      }),
      quota: v.optional(quota),
      dedupe: v.optional(v.boolean()),
      integrity: v.optional(v.picklist(['checksum', 'size-only'])),
      cacheControl: v.optional(v.string()),
    }),
  ),
  basePath: v.optional(v.string()),
  expiresInSeconds: v.optional(count),
  maxExpiresInSeconds: v.optional(count),
  viewExpiresInSeconds: v.optional(count),
  stagingPrefix: v.optional(v.string()),
  abandonAfterSeconds: v.optional(count),
  quota: v.optional(quota),
  rateLimit: v.optional(v.strictObject({ perOwner: rate })),
});

const proxyHeader = 'x-waybill-proxy-secret';

/** @throws CliError that names the wrong field */
export function parseJsonRoutes(json: unknown, path: string, variables: Variables): AppConfig {
  const parsed = v.safeParse(schema, json);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw new CliError(`${path} cannot be used: ${v.getDotPath(issue) ?? 'the file'}: ${issue.message}.`);
  }
  const { routes, ...options } = parsed.output;
  return {
    routes: Object.fromEntries(
      Object.entries(routes).map(([name, { authorize, ...definition }]) => {
        const owner = authorize === 'anyone' ? anyone : authorizeByHeader(authorize.ownerHeader, variables);
        return [name, route({ ...withoutUndefined(definition), authorize: owner } as never)];
      }),
    ),
    options: withoutUndefined(options) as AppConfig['options'],
  };
}

function withoutUndefined<T extends object>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function authorizeByHeader(header: string, variables: Variables): Authorize<Owner> {
  const secret = variables.get('WAYBILL_PROXY_SECRET');
  if (!secret || secret.length < 32)
    throw new CliError('A route with `ownerHeader` needs WAYBILL_PROXY_SECRET: at least 32 random characters.', {
      hint: `The proxy sends it as ${proxyHeader}, and removes both headers from requests of clients.`,
    });
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const expected = digest(secret);
  return ({ request }) => {
    if (!timingSafeEqual(digest(request.header(proxyHeader) ?? ''), expected)) return null;
    const ownerId = request.header(header);
    return ownerId ? { ownerId } : null;
  };
}
