import { toNextHandler } from 'waybill/adapters/next';
import { uploads } from '../../../../uploads.js';

export const { GET, HEAD, POST, DELETE, OPTIONS } = toNextHandler(uploads);
