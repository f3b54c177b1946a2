import express, { type Request } from 'express';
import { expressRequest, toExpressHandler } from 'waybill/adapters/express';
import { create } from './create.js';

export const uploads = create((request) => expressRequest<Request>(request).get('x-user'));
express().use(toExpressHandler(uploads));
// @ts-expect-error these are no uploads
toExpressHandler({ handle: 'nothing' });
