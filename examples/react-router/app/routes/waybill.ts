import { toReactRouterHandler } from 'waybill/adapters/react-router';
import { uploads } from '../uploads.server';

const handler = toReactRouterHandler(uploads);
export const loader = handler.loader;
export const action = handler.action;
