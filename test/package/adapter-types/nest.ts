import { Module } from '@nestjs/common';
import { nestRequest, WaybillModule } from 'waybill/adapters/nest';
import { create } from './create.js';

export const uploads = create((request) => nestRequest<{ user?: string }>(request).user);

@Module({ imports: [WaybillModule.forRoot({ uploads })] })
export class AppModule {}

// @ts-expect-error these are no uploads
WaybillModule.forRoot({ uploads: { handle: 'nothing' } });
