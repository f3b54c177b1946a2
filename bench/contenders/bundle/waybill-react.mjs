import { createClient } from 'waybill/client';
import { useUpload } from 'waybill/react';

const client = createClient({ endpoint: '/uploads' });

export const useAvatar = () => useUpload(client, 'avatar');
