import AwsS3 from '@uppy/aws-s3';
import Uppy from '@uppy/core';

const uppy = new Uppy().use(AwsS3, { endpoint: '/uploads' });

export function upload(file, onProgress) {
  uppy.on('progress', onProgress);
  uppy.addFile({ name: file.name, type: file.type, data: file });
  return uppy.upload();
}
