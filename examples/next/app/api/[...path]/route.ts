import { toNextHandler } from 'waybill/adapters/next';
import { uploads } from '../../../lib/uploads';

export const { GET, HEAD, POST, DELETE, OPTIONS } = toNextHandler(uploads);
