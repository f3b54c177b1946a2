/**
 * The adapter for NestJS, on Express and on Fastify. Needs `@nestjs/common` and `@nestjs/core`, which every
 * Nest app has.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { All, Controller, Module, Req, Res, UseGuards } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { CallbackRequest } from '../server/index.ts';
import { frameworkRequest, type MountableHandler } from './handler.ts';
import { NodePlainRequest, send } from './node.ts';
import type { ParsedRequest } from './node-body.ts';

export interface WaybillModuleOptions {
  /**
   * The result of `createUploads()`. With `app.setGlobalPrefix('api')` it needs `basePath: '/api'`. @example uploads
   */
  uploads: MountableHandler;
  /**
   * Guards of the controller, which run before `authorize` and may add the user to the request. A guard that refuses
   * answers 403 in Nest's own format. @default none @example [AuthGuard]
   */
  guards?: readonly Guard[];
}

/** A guard class or an instance of one. */
type Guard = (abstract new (...parameters: never[]) => CanActivate) | CanActivate;

interface CanActivate {
  canActivate(context: never): unknown;
}

/** A `DynamicModule` of Nest, whose types are not needed here. */
export interface WaybillDynamicModule {
  module: typeof WaybillModule;
  controllers: (new () => object)[];
  providers: {
    provide: symbol;
    inject: (new (...parameters: never[]) => object)[];
    useFactory(host: never): unknown;
  }[];
}

/** The request and the response of Express, or those of Fastify, which hold Node's as `raw`. */
type NestRequest = IncomingMessage & ParsedRequest & { raw?: IncomingMessage; originalUrl?: string };
type NestResponse = ServerResponse & { raw?: ServerResponse; hijack?(): void };

/**
 * A Nest module with one controller. In callbacks, `request.raw` is the request of Nest's platform, with what guards
 * added to it: see {@link nestRequest}.
 *
 * @example
 * @Module({ imports: [WaybillModule.forRoot({ uploads, guards: [AuthGuard] })] })
 * export class AppModule {}
 */
// biome-ignore lint/complexity/noStaticOnlyClass: Nest's modules are classes, made dynamic by a static method.
export class WaybillModule {
  static forRoot({ uploads, guards = [] }: WaybillModuleOptions): WaybillDynamicModule {
    const controller = createController(uploads, guards);
    return { module: WaybillModule, controllers: [controller], providers: [createPathProvider(uploads, controller)] };
  }
}
Module({})(WaybillModule);

/**
 * Wildcards are written differently on the two platforms. A parameter would not do: Fastify limits its length to 100.
 */
const wildcards = { express: '/*path', fastify: '/*' };

/**
 * Gives the controller its paths once the platform is known, which is before Nest reads them. This is a provider,
 * because providers are created between the two.
 */
function createPathProvider(
  { paths: { exact, below } }: MountableHandler,
  controller: new () => object,
): WaybillDynamicModule['providers'][number] {
  return {
    provide: Symbol('waybill paths'),
    inject: [HttpAdapterHost],
    useFactory({ httpAdapter }: HttpAdapterHost) {
      const method = Object.getOwnPropertyDescriptor(controller.prototype, 'handle') as PropertyDescriptor;
      const platform = httpAdapter.getType() === 'fastify' ? 'fastify' : 'express';
      All([...exact, ...below.map((prefix) => prefix + wildcards[platform])])(controller.prototype, 'handle', method);
      return platform;
    },
  };
}

/** Decorators are called as functions, because the sources of this package are types that can be erased. */
function createController(uploads: MountableHandler, guards: readonly Guard[]): new () => object {
  class WaybillController {
    async handle(request: NestRequest, response: NestResponse): Promise<void> {
      const incoming = request.raw ?? request;
      const target = request.originalUrl ?? incoming.url ?? '/';
      const answer = await uploads.handle(new NodePlainRequest(incoming, target, request, request));
      response.hijack?.();
      send(incoming, response.raw ?? response, answer);
    }
  }
  const { prototype } = WaybillController;
  Req()(prototype, 'handle', 0);
  Res()(prototype, 'handle', 1);
  if (guards.length > 0) UseGuards(...(guards as Parameters<typeof UseGuards>))(WaybillController);
  Controller()(WaybillController);
  return WaybillController;
}

/**
 * The platform's request in a callback, with the type that your app gives it.
 *
 * @throws {WaybillError} `config_invalid` when the request did not come through `WaybillModule`
 * @example
 * authorize: ({ request }) => nestRequest<Request & { user?: Owner }>(request).user ?? null
 */
export function nestRequest<Request = NestRequest>(request: CallbackRequest): Request {
  return frameworkRequest(request, 'WaybillModule.forRoot', ['headers', 'method']) as Request;
}
