/** One server for harness/server-process.mjs. `form` is `adapter` or `bare`. */
import { createApp } from '../grant/waybill.mjs';
import { frameworks } from './frameworks.mjs';

export const start = ({ framework, form, ...options }) => frameworks[framework][form](createApp(options));
