import { uploads } from '../../../../uploads.js';

export const GET = uploads.fetch;
export const POST = uploads.fetch;
export const DELETE = uploads.fetch;
