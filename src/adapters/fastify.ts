/** The adapter for Fastify 5: an encapsulated plugin that does not change the content type parsers of the app. */
import type { IncomingMessage } from 'node:http';
import { WaybillError } from '../protocol/index.ts';
import type { CallbackRequest } from '../server/index.ts';
import { frameworkRequest, type MountableHandler } from './handler.ts';
import { closesConnection, NodePlainRequest } from './node.ts';

/** The part of Fastify that is used here, without its types. */
interface FastifyScope {
  prefix: string;
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    contentType: string,
    parser: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ): unknown;
  all(url: string, handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): unknown;
}

interface FastifyRequest {
  raw: IncomingMessage;
  originalUrl: string;
}

interface FastifyReply {
  code(status: number): FastifyReply;
  headers(values: Record<string, string>): FastifyReply;
  send(body?: string): FastifyReply;
}

/**
 * A plugin for Fastify. Its routes have no content type parser, so that Waybill reads the bodies itself and within its
 * own limit; hooks of the app (`onRequest`, `preHandler`, `onSend`) run as for every route. A `prefix` must be the
 * `basePath` of `createUploads()`. In callbacks, `request.raw` is Fastify's request: see {@link fastifyRequest}.
 *
 * @throws {WaybillError} `config_invalid`, when the app starts, for a `prefix` that is not `basePath`
 * @example
 * app.register(toFastifyPlugin(uploads))
 */
export function toFastifyPlugin(uploads: MountableHandler) {
  return async (scope: FastifyScope): Promise<void> => {
    const { basePath } = uploads;
    if (scope.prefix !== '' && scope.prefix !== basePath)
      throw new WaybillError(
        'config_invalid',
        `The plugin has the prefix ${scope.prefix}. Pass \`basePath: '${scope.prefix}'\` to createUploads.`,
      );
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    const start = scope.prefix === '' ? basePath : '';
    const { exact, below } = uploads.paths;
    for (const path of [...exact, ...below.map((prefix) => `${prefix}/*`)])
      scope.all(`${start}${path}`, (request, reply) => answer(uploads, request, reply));
  };
}

async function answer(uploads: MountableHandler, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { status, headers, body } = await uploads.handle(
    new NodePlainRequest(request.raw, request.originalUrl, request),
  );
  if (closesConnection(request.raw)) headers.connection = 'close';
  return reply.code(status).headers(headers).send(body);
}

/**
 * Fastify's request in a callback, with the type that your app gives it.
 *
 * @throws {WaybillError} `config_invalid` when the request did not come through `toFastifyPlugin()`
 * @example
 * authorize: ({ request }) => fastifyRequest<FastifyRequest>(request).user ?? null
 */
export function fastifyRequest<Request = FastifyRequest>(request: CallbackRequest): Request {
  return frameworkRequest(request, 'toFastifyPlugin', ['raw', 'originalUrl']) as Request;
}
