import { Upload } from 'tus-js-client';

export const upload = (file, onProgress) => new Upload(file, { endpoint: '/uploads', onProgress }).start();
