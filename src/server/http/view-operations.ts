/** The requests to `/files/:ref`: redirect to the file, delete it. */
import type { Operation } from '../events.ts';
import type { Services } from '../services.ts';
import { openViewRef, view } from '../views/views.ts';
import type { Call } from './call.ts';
import { requireAllowedOrigin } from './origins.ts';
import { type PlainResponse, RequestView } from './plain-request.ts';
import { json } from './responses.ts';

export function createViewOperations(
  services: Services,
): Record<Extract<Operation, 'view' | 'delete'>, (call: Call) => Promise<PlainResponse>> {
  const { config, refs, emit } = services;
  return {
    async view(call) {
      const { request, target } = call;
      const query = new URLSearchParams(request.query);
      const found = await view(config, refs, new RequestView(request), target, {
        download: query.get('download') === '1',
        method: request.method === 'HEAD' ? 'HEAD' : 'GET',
        host: request.header('host'),
      });
      const { route, ownerId, key } = found.ref;
      emit?.('view.served', { route, ownerId, key });
      const response: PlainResponse =
        query.get('as') === 'json'
          ? json(200, { url: found.url, expiresAt: found.expiresAt })
          : { status: 302, headers: { location: found.url, 'x-content-type-options': 'nosniff' }, body: '' };
      // `private`: other users may not see the file. `vary`: neither may this browser after its user has signed out.
      response.headers['cache-control'] = `private, max-age=${found.maxAgeSeconds}`;
      response.headers.vary = 'cookie, authorization';
      response.headers['referrer-policy'] = 'no-referrer';
      return response;
    },

    async delete(call) {
      requireAllowedOrigin(config, call.request);
      const { ref, actor } = await openViewRef(config, refs, new RequestView(call.request), call.target, 'delete');
      const { deleteFile } = await services.completion();
      await deleteFile(ref, { reason: 'request', actor }, ref.route);
      return { status: 204, headers: { 'cache-control': 'no-store' }, body: '' };
    },
  };
}
