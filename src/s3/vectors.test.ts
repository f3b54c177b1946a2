/** The published examples of AWS, byte for byte. They do not depend on any code of this package. */
import { describe, expect, it } from 'vitest';
import {
  canonicalRequest,
  chunkSignature,
  computeSignature,
  emptyPayload,
  headerBlock,
  stringToSign,
  trailerSignature,
  unsignedPayload,
} from './sign.ts';
import { deriveSigningKey } from './signing-key.ts';

const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const scope = '20130524/us-east-1/s3/aws4_request';
const amzDate = '20130524T000000Z';
const signingKey = deriveSigningKey(secret, '20130524', 'us-east-1');

type Pairs = Parameters<typeof headerBlock>[0];

function sign(method: string, path: string, query: string, headers: Pairs, payload: string): string {
  const canonical = canonicalRequest({ method, path, query, headers: headerBlock(headers), payload });
  return computeSignature(signingKey, stringToSign(amzDate, scope, canonical));
}

const host = ['host', 'examplebucket.s3.amazonaws.com'] as const;
const date = ['x-amz-date', amzDate] as const;
const noBody = ['x-amz-content-sha256', emptyPayload] as const;

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
it('presigning matches the GET example', () => {
  const query =
    'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host';
  expect(sign('GET', '/test.txt', query, [host], unsignedPayload)).toBe(
    'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  );
});

// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
describe('the Authorization header matches the example', () => {
  it('GET object', () => {
    expect(sign('GET', '/test.txt', '', [host, ['range', 'bytes=0-9'], noBody, date], emptyPayload)).toBe(
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    );
  });

  it('PUT object', () => {
    const payload = '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072';
    const headers: Pairs = [
      ['date', 'Fri, 24 May 2013 00:00:00 GMT'],
      host,
      ['x-amz-content-sha256', payload],
      date,
      ['x-amz-storage-class', 'REDUCED_REDUNDANCY'],
    ];
    expect(sign('PUT', '/test%24file.text', '', headers, payload)).toBe(
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    );
  });

  it('GET bucket lifecycle', () => {
    expect(sign('GET', '/', 'lifecycle=', [host, noBody, date], emptyPayload)).toBe(
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    );
  });

  it('GET bucket (list objects)', () => {
    expect(sign('GET', '/', 'max-keys=2&prefix=J', [host, noBody, date], emptyPayload)).toBe(
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    );
  });
});

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html
it('signing a POST policy matches the example', () => {
  const policy =
    'eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9';
  expect(computeSignature(deriveSigningKey(secret, '20151229', 'us-east-1'), policy)).toBe(
    '8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e',
  );
});

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
it('chunk signatures match the example of 65,536 + 1,024 + 0 bytes', () => {
  const payload = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
  const headers: Pairs = [
    ['content-encoding', 'aws-chunked'],
    ['content-length', '66824'],
    ['host', 's3.amazonaws.com'],
    ['x-amz-content-sha256', payload],
    date,
    ['x-amz-decoded-content-length', '66560'],
    ['x-amz-storage-class', 'REDUCED_REDUNDANCY'],
  ];
  let previousSignature = sign('PUT', '/examplebucket/chunkObject.txt', '', headers, payload);
  expect(previousSignature).toBe('4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9');
  const chunks = [
    [65_536, 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648'],
    [1_024, '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497'],
    [0, 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9'],
  ] as const;
  for (const [size, expected] of chunks) {
    const data = Buffer.alloc(size, 'a');
    previousSignature = chunkSignature({ signingKey, amzDate, scope, previousSignature, data });
    expect(previousSignature).toBe(expected);
  }
});

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
it('chunk and trailer signatures match the example with a trailing checksum', () => {
  const payload = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER';
  const headers: Pairs = [
    ['content-encoding', 'aws-chunked'],
    ['host', 's3.amazonaws.com'],
    ['x-amz-content-sha256', payload],
    date,
    ['x-amz-decoded-content-length', '66560'],
    ['x-amz-storage-class', 'REDUCED_REDUNDANCY'],
    ['x-amz-trailer', 'x-amz-checksum-crc32c'],
  ];
  let previousSignature = sign('PUT', '/examplebucket/chunkObject.txt', '', headers, payload);
  expect(previousSignature).toBe('106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e');
  const chunks = [
    [65_536, 'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2'],
    [1_024, '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7'],
    [0, '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992'],
  ] as const;
  for (const [size, expected] of chunks) {
    const data = Buffer.alloc(size, 'a');
    previousSignature = chunkSignature({ signingKey, amzDate, scope, previousSignature, data });
    expect(previousSignature).toBe(expected);
  }
  const trailer = 'x-amz-checksum-crc32c:sOO8/Q==\n';
  expect(trailerSignature({ signingKey, amzDate, scope, previousSignature, trailer })).toBe(
    'd81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435',
  );
});
