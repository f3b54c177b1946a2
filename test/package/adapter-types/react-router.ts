import type { ActionFunction, LoaderFunction, LoaderFunctionArgs } from 'react-router';
import { reactRouterArguments, toReactRouterHandler } from 'waybill/adapters/react-router';
import { create } from './create.js';

export const uploads = create(
  (request) => reactRouterArguments<LoaderFunctionArgs>(request).request.headers.get('x-user') ?? undefined,
);
const handlers = toReactRouterHandler(uploads);
export const loader: LoaderFunction = handlers.loader;
export const action: ActionFunction = handlers.action;
// @ts-expect-error these are no uploads
toReactRouterHandler({ handle: 'nothing' });
