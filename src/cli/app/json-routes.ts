/**
 * Routes without code. Whose upload it is must come from somewhere: from a proxy in front, which authenticates and tells the
 * owner in a header, and proves by a secret that it is the proxy; or from nowhere, for a route that says `anyone` aloud.
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

/** @throws CliError naming what is wrong */
export function routesOfJson(json: unknown, path: string, variables: Variables): AppConfig {
  const parsed = v.safeParse(schema, json);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw new CliError(`${path} cannot be used: ${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}.`);
  }
  const { routes, ...options } = parsed.output;
  return {
    routes: Object.fromEntries(
      Object.entries(routes).map(([name, { authorize, ...definition }]) => {
        const who = authorize === 'anyone' ? anyone : ownerFrom(authorize.ownerHeader, variables);
        return [name, route({ ...withoutUndefined(definition), authorize: who } as never)];
      }),
    ),
    options: withoutUndefined(options) as AppConfig['options'],
  };
}

function withoutUndefined<T extends object>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function ownerFrom(header: string, variables: Variables): Authorize<Owner> {
  const secret = variables.get('WAYBILL_PROXY_SECRET');
  if (!secret || secret.length < 32)
    throw new CliError(
      'A route whose owner is in a header needs WAYBILL_PROXY_SECRET: at least 32 random characters.',
      {
        hint: `The proxy in front sends them as ${proxyHeader}, and keeps both headers from clients.`,
      },
    );
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const wanted = digest(secret);
  return ({ request }) => {
    if (!timingSafeEqual(digest(request.header(proxyHeader) ?? ''), wanted)) return null;
    const ownerId = request.header(header);
    return ownerId ? { ownerId } : null;
  };
}
