/** Preflights, the CORS headers of other responses, and the operations on a bucket's CORS configuration. */
import { readDocument } from './body.ts';
import { type BucketCall, type Call, noContent, type Reply, xmlReply } from './call.ts';
import { type CorsRequest, corsDocument, corsHeaders, findRule, parseCorsDocument } from './cors-rules.ts';
import { StoreError } from './errors.ts';

/** A preflight is never signed, because browsers send no credentials with it. */
export function answerPreflight({ headers, target, store }: Call): Reply {
  const origin = headers.get('origin');
  if (!origin)
    throw new StoreError('BadRequest', { message: 'Insufficient information. Origin request header needed.' });
  const method = headers.get('access-control-request-method');
  const details = { Method: method ?? 'OPTIONS', ResourceType: target.key === undefined ? 'BUCKET' : 'OBJECT' };
  const forbidden = (reason: string) =>
    new StoreError('AccessForbidden', { message: `CORSResponse: ${reason}`, details });
  const bucket = target.bucket === undefined ? undefined : store.buckets.get(target.bucket);
  if (!bucket) throw forbidden('Bucket not found');
  const rules = bucket.info.cors ?? [];
  if (rules.length === 0) throw forbidden('CORS is not enabled for this bucket.');
  if (!method) throw new StoreError('BadRequest', { message: 'Invalid Access-Control-Request-Method: null' });
  const corsRequest: CorsRequest = {
    origin,
    method,
    headers: parseHeaderNames(headers.get('access-control-request-headers')),
  };
  const rule = findRule(rules, corsRequest);
  if (!rule)
    throw forbidden(
      'This CORS request is not allowed. This is usually because the evalution of Origin, request method / ' +
        'Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the ' +
        "resource's CORS spec.",
    );
  return { status: 200, headers: corsHeaders(rule, corsRequest) };
}

function parseHeaderNames(value = ''): string[] {
  return value
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
}

/** Errors need these headers too: without them a page cannot read the error. */
export function corsResponseHeaders({ headers, target, method, store }: Call): Reply['headers'] {
  const origin = headers.get('origin');
  const bucket = target.bucket === undefined ? undefined : store.buckets.get(target.bucket);
  if (!origin || !bucket?.info.cors || method === 'OPTIONS') return {};
  const corsRequest: CorsRequest = { origin, method, headers: [] };
  const rule = findRule(bucket.info.cors, corsRequest);
  return rule ? corsHeaders(rule, corsRequest) : {};
}

export async function putBucketCors(call: BucketCall): Promise<Reply> {
  if (!call.headers.has('content-length')) throw new StoreError('MissingContentLength');
  const document = await readDocument(call, 64 * 1024);
  if (document.length === 0) throw new StoreError('MissingRequestBodyError');
  await call.bucket.save({ cors: parseCorsDocument(document) });
  return { status: 200 };
}

export async function getBucketCors({ bucket }: BucketCall): Promise<Reply> {
  const { name, cors = [] } = bucket.info;
  if (cors.length === 0) throw new StoreError('NoSuchCORSConfiguration', { details: { BucketName: name } });
  return xmlReply(corsDocument(cors));
}

export async function deleteBucketCors({ bucket }: BucketCall): Promise<Reply> {
  await bucket.save({ cors: [] });
  return noContent;
}
