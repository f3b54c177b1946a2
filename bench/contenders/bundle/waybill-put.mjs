import { createPut } from 'waybill/client/put';

const put = createPut({ endpoint: '/uploads' });

export const upload = (file, onProgress) => put('avatar', file, { onProgress });
