import { useUploadFile } from '@better-upload/client';

export const useAvatar = () => useUploadFile({ api: '/uploads', route: 'avatar' });
