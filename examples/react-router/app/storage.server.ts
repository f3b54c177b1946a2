import { envCredentials, s3Storage } from 'waybill/s3';

const bucket = 'user-content';
const credentials = envCredentials(process.env); // AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
const endpoint = process.env.S3_ENDPOINT; // http://127.0.0.1:9000 while you develop

export const storage = endpoint
  ? s3Storage({ bucket, endpoint, credentials, capabilities: 'devstore' })
  : s3Storage({ bucket, region: 'eu-west-1', credentials });
