/**
 * The adapter for AWS Lambda behind a function URL, API Gateway (REST and HTTP APIs) or an Application Load Balancer.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
import type { CallbackRequest, PlainRequest } from '../server/index.ts';
import { frameworkRequest, type MountableHandler } from './handler.ts';

/** An event of payload format 2.0: HTTP APIs and function URLs. The types are those of `@types/aws-lambda`. */
interface EventV2 {
  /** `2.0` */
  version: string;
  rawPath: string;
  rawQueryString: string;
  headers: Record<string, string | undefined>;
  cookies?: string[] | undefined;
  body?: string | undefined;
  isBase64Encoded?: boolean | undefined;
  requestContext: { http: { method: string }; stage?: string | undefined };
}

/** An event of payload format 1.0 (REST APIs), and of a load balancer. */
interface EventV1 {
  httpMethod: string;
  path: string;
  headers?: Record<string, string | undefined> | null | undefined;
  multiValueHeaders?: Record<string, string[] | undefined> | null | undefined;
  queryStringParameters?: Record<string, string | undefined> | null | undefined;
  multiValueQueryStringParameters?: Record<string, string[] | undefined> | null | undefined;
  body?: string | null | undefined;
  isBase64Encoded?: boolean | undefined;
  requestContext?: { elb?: unknown } | undefined;
}

export type LambdaEvent = EventV1 | EventV2;

export interface LambdaResult {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
  isBase64Encoded: false;
}

/**
 * The handler of a Lambda function. In callbacks, `request.raw` is the event: see {@link lambdaEvent}.
 *
 * @example
 * export const handler = toLambdaHandler(uploads)
 */
export function toLambdaHandler(uploads: MountableHandler): (event: LambdaEvent) => Promise<LambdaResult> {
  return async (event) => {
    const request = isV2(event) ? convertV2(event) : convertV1(event);
    const { status, headers, body } = await uploads.handle(removeStage(uploads, event, request));
    return { statusCode: status, headers, body, isBase64Encoded: false };
  };
}

function isV2(event: LambdaEvent): event is EventV2 {
  return 'version' in event && event.version === '2.0';
}

function convertV2(event: EventV2): PlainRequest {
  const headers = lowerCaseNames(Object.entries(event.headers));
  // These events have cookies in a field of their own.
  if (event.cookies && event.cookies.length > 0) headers.set('cookie', event.cookies.join('; '));
  return toRequest(event, event.requestContext.http.method, event.rawPath, event.rawQueryString, headers);
}

function convertV1(event: EventV1): PlainRequest {
  const given = event.multiValueHeaders ?? event.headers ?? {};
  const headers = lowerCaseNames(Object.entries(given).map(([name, value]) => [name, joinValues(name, value)]));
  const query = new URLSearchParams();
  const parameters = event.multiValueQueryStringParameters ?? event.queryStringParameters ?? {};
  for (const [name, values] of Object.entries(parameters))
    for (const value of [values ?? []].flat()) query.append(decodeQuery(event, name), decodeQuery(event, value));
  return toRequest(event, event.httpMethod, event.path, query.toString(), headers);
}

function joinValues(name: string, value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(name.toLowerCase() === 'cookie' ? '; ' : ', ') : value;
}

/** Decodes a text of the query. A load balancer passes it as it was sent, but API Gateway has decoded it. */
function decodeQuery(event: EventV1, text: string): string {
  if (!event.requestContext?.elb) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

function lowerCaseNames(headers: readonly (readonly [string, string | undefined])[]): Map<string, string> {
  return new Map(
    headers.flatMap(([name, value]) => (value === undefined ? [] : [[name.toLowerCase(), value] as const])),
  );
}

function toRequest(
  event: LambdaEvent,
  method: string,
  path: string,
  query: string,
  headers: ReadonlyMap<string, string>,
): PlainRequest {
  return {
    method,
    path,
    query,
    header: (name) => headers.get(name),
    headers: () => headers.entries(),
    async body(maxBytes) {
      const bytes = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
      return bytes.length > maxBytes ? null : bytes;
    },
    raw: event,
  };
}

/** Removes the name of the stage, with which the path of an HTTP API begins unless the stage is `$default`. */
function removeStage(uploads: Pick<MountableHandler, 'owns'>, event: LambdaEvent, request: PlainRequest): PlainRequest {
  const stage = isV2(event) ? event.requestContext.stage : undefined;
  if (uploads.owns(request.path) || stage === undefined || !request.path.startsWith(`/${stage}/`)) return request;
  return { ...request, path: request.path.slice(stage.length + 1) };
}

/**
 * The event in a callback, with the type that your app gives it, such as that of `@types/aws-lambda`.
 *
 * @throws {WaybillError} `config_invalid` when the request did not come through `toLambdaHandler()`
 * @example authorize: ({ request }) =>
 * lambdaEvent<APIGatewayProxyEventV2WithJWTAuthorizer>(request).requestContext.authorizer.jwt.claims
 */
export function lambdaEvent<Event = LambdaEvent>(request: CallbackRequest): Event {
  return frameworkRequest(request, 'toLambdaHandler', ['requestContext']) as Event;
}
