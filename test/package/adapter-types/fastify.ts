import Fastify, { type FastifyRequest } from 'fastify';
import { fastifyRequest, toFastifyPlugin } from 'waybill/adapters/fastify';
import { create } from './create.js';

export const uploads = create((request) => [fastifyRequest<FastifyRequest>(request).headers['x-user']].flat()[0]);
Fastify().register(toFastifyPlugin(uploads), { prefix: '/api' });
// @ts-expect-error these are no uploads
toFastifyPlugin({ handle: 'nothing' });
