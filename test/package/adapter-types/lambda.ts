import type { APIGatewayProxyEventV2, APIGatewayProxyHandlerV2, Handler } from 'aws-lambda';
import { lambdaEvent, toLambdaHandler } from 'waybill/adapters/lambda';
import { create } from './create.js';

export const uploads = create((request) => lambdaEvent<APIGatewayProxyEventV2>(request).headers['x-user']);
export const http: APIGatewayProxyHandlerV2 = toLambdaHandler(uploads);
export const any: Handler = toLambdaHandler(uploads);
// @ts-expect-error these are no uploads
toLambdaHandler({ handle: 'nothing' });
