import { genUploader } from 'uploadthing/client';

const { uploadFiles } = genUploader({ url: '/uploads', package: 'bench' });

export const upload = (file, onUploadProgress) => uploadFiles('avatar', { files: [file], onUploadProgress });
