/** Answers like the server with the least work: it parses the body, counts up a key and calls a bare signer. */
import { randomBytes } from 'node:crypto';
import { createFloorSigner } from '../../floors/signer.mjs';

/**
 * @param {{ endpoint: string, account: object, bucket: string, grantLength: number, receiptLength: number }} options
 *   lengths of what the real server seals
 */
export function createAnswer({ endpoint, account, bucket, grantLength, receiptLength }) {
  const { origin, host } = new URL(endpoint);
  const signer = createFloorSigner({ ...account, host, origin, prefix: `/${bucket}` });
  const [grant, receipt] = [grantLength, receiptLength].map((length) => 'A'.repeat(length));
  const prefix = randomBytes(12).toString('hex');
  let count = 0x10000000;
  return ({ files: [{ size, contentType, checksum }] }) => {
    const uploadId = prefix + (count++).toString(16);
    const key = `incoming/${uploadId}`;
    const request = signer.presignPutWithReceipt(key, size, contentType, checksum.value, receipt, 900);
    return { uploads: [{ uploadId, grant, transfer: 'put', request, expiresInSeconds: 900 }] };
  };
}
