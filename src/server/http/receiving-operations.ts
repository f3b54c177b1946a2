/** The requests that the storage and a cron send. They have no user: a secret or a signature says who sends them. */
import { isWaybillError } from '../../protocol/index.ts';
import type { Operation } from '../events.ts';
import type { Services } from '../services.ts';
import { createReceiveUpkeep } from '../upkeep-request.ts';
import type { Call } from './call.ts';
import { keepAlive } from './keep-alive.ts';
import { type PlainResponse, RequestView } from './plain-request.ts';
import { readJsonOfAnyType } from './read-json.ts';
import { json } from './responses.ts';

export function createReceivingOperations(
  services: Services,
): Record<Extract<Operation, 'event' | 'upkeep'>, (call: Call) => Promise<PlainResponse>> {
  const { config } = services;
  const receiveUpkeep = createReceiveUpkeep(services);
  return {
    async event(call) {
      const { request } = call;
      const { receive } = await services.storageEvents();
      const result = await receive({
        header: (name) => request.header(name),
        query: request.query,
        readBody: () => readJsonOfAnyType(request, config.maxBodyBytes, call),
        countRefusal: async () => config.rateLimits?.address(new RequestView(request), call.operation, true),
      });
      keepAlive(services, call, services.idle());
      return json(200, result);
    },

    async upkeep(call) {
      const { request } = call;
      try {
        return json(200, await receiveUpkeep(request.header('authorization')));
      } catch (error) {
        if (isWaybillError(error) && error.code === 'unauthenticated')
          await config.rateLimits?.address(new RequestView(request), call.operation, true);
        throw error;
      }
    },
  };
}
