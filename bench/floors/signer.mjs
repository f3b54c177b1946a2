/**
 * A minimal signer on `node:crypto`: it caches the signing key and the date, has no options and no checks, and supports
 * only the input of the benchmark. It knows its header list in advance and does not encode keys.
 */
import { createHmac, hash } from 'node:crypto';

/**
 * @param {{ accessKeyId: string, secretAccessKey: string, region: string, host: string, origin?: string, prefix?:
 * string }} options
 *   `prefix` is `/bucket` for path-style addresses
 */
export function createFloorSigner({
  accessKeyId,
  secretAccessKey,
  region,
  host,
  origin = `https://${host}`,
  prefix = '',
}) {
  let second = 0;
  let stamp = '';
  let day = '';
  let scope = '';
  let signingKey = Buffer.alloc(0);

  function refresh() {
    const now = Math.floor(Date.now() / 1000);
    if (now === second) return;
    second = now;
    stamp = `${new Date(now * 1000).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
    if (stamp.slice(0, 8) === day) return;
    day = stamp.slice(0, 8);
    scope = `${day}/${region}/s3/aws4_request`;
    const steps = [day, region, 's3', 'aws4_request'];
    signingKey = steps.reduce((key, data) => createHmac('sha256', key).update(data).digest(), `AWS4${secretAccessKey}`);
  }

  /** Signs a PUT of this type, length and SHA-256, with If-None-Match. */
  function presignPut(key, size, contentType, sha256, expiresInSeconds) {
    refresh();
    const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${accessKeyId}%2F${day}%2F${region}%2Fs3%2Faws4_request&X-Amz-Date=${stamp}&X-Amz-Expires=${expiresInSeconds}&X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bif-none-match%3Bx-amz-checksum-sha256`;
    const canonical = `PUT\n${prefix}/${key}\n${query}\ncontent-length:${size}\ncontent-type:${contentType}\nhost:${host}\nif-none-match:*\nx-amz-checksum-sha256:${sha256}\n\ncontent-length;content-type;host;if-none-match;x-amz-checksum-sha256\nUNSIGNED-PAYLOAD`;
    const signature = createHmac('sha256', signingKey)
      .update(`AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${hash('sha256', canonical, 'hex')}`)
      .digest('hex');
    return {
      method: 'PUT',
      url: `${origin}${prefix}/${key}?${query}&X-Amz-Signature=${signature}`,
      headers: {
        'content-length': String(size),
        'content-type': contentType,
        'if-none-match': '*',
        'x-amz-checksum-sha256': sha256,
      },
    };
  }

  /** The same with one more metadata header, as in the request of a grant. */
  function presignPutWithReceipt(key, size, contentType, sha256, receipt, expiresInSeconds) {
    refresh();
    const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${accessKeyId}%2F${day}%2F${region}%2Fs3%2Faws4_request&X-Amz-Date=${stamp}&X-Amz-Expires=${expiresInSeconds}&X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bif-none-match%3Bx-amz-checksum-sha256%3Bx-amz-meta-waybill`;
    const canonical = `PUT\n${prefix}/${key}\n${query}\ncontent-length:${size}\ncontent-type:${contentType}\nhost:${host}\nif-none-match:*\nx-amz-checksum-sha256:${sha256}\nx-amz-meta-waybill:${receipt}\n\ncontent-length;content-type;host;if-none-match;x-amz-checksum-sha256;x-amz-meta-waybill\nUNSIGNED-PAYLOAD`;
    const signature = createHmac('sha256', signingKey)
      .update(`AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${hash('sha256', canonical, 'hex')}`)
      .digest('hex');
    return {
      method: 'PUT',
      url: `${origin}${prefix}/${key}?${query}&X-Amz-Signature=${signature}`,
      headers: {
        'content-length': String(size),
        'content-type': contentType,
        'if-none-match': '*',
        'x-amz-checksum-sha256': sha256,
        'x-amz-meta-waybill': receipt,
      },
      expiresAt: new Date((second + expiresInSeconds) * 1000).toISOString(),
    };
  }

  /** Signs one part of this length and SHA-256. */
  function presignPart(key, multipartId, partNumber, size, sha256, expiresInSeconds) {
    refresh();
    const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${accessKeyId}%2F${day}%2F${region}%2Fs3%2Faws4_request&X-Amz-Date=${stamp}&X-Amz-Expires=${expiresInSeconds}&X-Amz-SignedHeaders=content-length%3Bhost%3Bx-amz-checksum-sha256&partNumber=${partNumber}&uploadId=${multipartId}`;
    const canonical = `PUT\n${prefix}/${key}\n${query}\ncontent-length:${size}\nhost:${host}\nx-amz-checksum-sha256:${sha256}\n\ncontent-length;host;x-amz-checksum-sha256\nUNSIGNED-PAYLOAD`;
    const signature = createHmac('sha256', signingKey)
      .update(`AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${hash('sha256', canonical, 'hex')}`)
      .digest('hex');
    return {
      method: 'PUT',
      url: `${origin}${prefix}/${key}?${query}&X-Amz-Signature=${signature}`,
      headers: { 'content-length': String(size), 'x-amz-checksum-sha256': sha256 },
    };
  }

  /** Signs a form for this key, type, length and SHA-256. */
  function presignForm(bucket, key, size, contentType, sha256, expiresInSeconds) {
    refresh();
    const expiration = new Date((second + expiresInSeconds) * 1000).toISOString();
    const credential = `${accessKeyId}/${scope}`;
    const policy = Buffer.from(
      `{"expiration":"${expiration}","conditions":[{"bucket":"${bucket}"},{"key":"${key}"},{"Content-Type":"${contentType}"},["content-length-range",${size},${size}],{"x-amz-checksum-sha256":"${sha256}"},{"x-amz-algorithm":"AWS4-HMAC-SHA256"},{"x-amz-credential":"${credential}"},{"x-amz-date":"${stamp}"}]}`,
    ).toString('base64');
    return {
      method: 'POST',
      url: `${origin}${prefix}/`,
      fields: {
        key,
        'Content-Type': contentType,
        'x-amz-checksum-sha256': sha256,
        'x-amz-algorithm': 'AWS4-HMAC-SHA256',
        'x-amz-credential': credential,
        'x-amz-date': stamp,
        policy,
        'x-amz-signature': createHmac('sha256', signingKey).update(policy).digest('hex'),
      },
    };
  }

  return { presignPut, presignPutWithReceipt, presignPart, presignForm };
}
