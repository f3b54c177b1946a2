import { Amplify } from 'aws-amplify';
import { uploadData } from 'aws-amplify/storage';

Amplify.configure({ Storage: { S3: { bucket: 'user-content', region: 'eu-west-1' } } });

export const upload = (file, onProgress) => uploadData({ path: file.name, data: file, options: { onProgress } }).result;
