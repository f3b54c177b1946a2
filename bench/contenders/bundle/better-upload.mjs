import { uploadFile } from '@better-upload/client';

export const upload = (file, onFileStateChange) =>
  uploadFile({ api: '/uploads', route: 'avatar', file, onFileStateChange });
