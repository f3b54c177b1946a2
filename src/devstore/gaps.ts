/**
 * Every known difference between this store and AWS, as data. test/interop/devstore-gaps.test.ts compares it with the
 * table in docs/devstore.md and sends the probes of each row. This file is long because it is one table.
 */

/** A request that shows the difference. It is sent to the bucket `gaps`, which contains the object `object`. */
export interface GapProbe {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** @default 'object' */
  on?: 'bucket' | 'object';
  /** Without the question mark, encoded and sorted. */
  query?: string;
  /** Lower-case names. */
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** Sends the request without a signature. */
  unsigned?: true;
  /** The response of this store, for example `501 NotImplemented`. A status alone means success. */
  answer: string;
}

export interface Gap {
  what: string;
  /** What AWS does. */
  aws: string;
  /** What this store does. */
  here: string;
  /** A page of AWS, or a public issue or recording. */
  source: string;
  /** Empty where one request cannot show the difference. */
  probes: readonly GapProbe[];
}

const guide = 'https://docs.aws.amazon.com/AmazonS3/latest/userguide';
const api = 'https://docs.aws.amazon.com/AmazonS3/latest/API';
const recordings = 'https://github.com/localstack/localstack/blob/main/tests/aws/services/s3';

const notImplemented = '501 NotImplemented';
const setting = (query: string): GapProbe => ({
  method: 'PUT',
  on: 'bucket',
  query,
  body: '<x/>',
  answer: notImplemented,
});
const put = (headers: Readonly<Record<string, string>>, answer = notImplemented): GapProbe => ({
  method: 'PUT',
  headers,
  body: 'x',
  answer,
});

export const gaps: readonly Gap[] = [
  {
    what: 'Versioning',
    aws: 'Buckets can keep all versions of an object.',
    here: 'Every object is the version `null`. Turning versioning on is NotImplemented.',
    source: `${guide}/Versioning.html`,
    probes: [setting('versioning=')],
  },
  {
    what: 'Object Lock, retention and legal holds',
    aws: 'Objects can be protected against deletion for a time.',
    here: 'NotImplemented.',
    source: `${guide}/object-lock.html`,
    probes: [
      setting('object-lock='),
      put({ 'x-amz-object-lock-mode': 'COMPLIANCE' }),
      put({ 'x-amz-object-lock-retain-until-date': '2030-01-01T00:00:00Z' }),
      put({ 'x-amz-object-lock-legal-hold': 'ON' }),
      { method: 'PUT', query: 'retention=', body: '<x/>', answer: notImplemented },
      { method: 'PUT', query: 'legal-hold=', body: '<x/>', answer: notImplemented },
    ],
  },
  {
    what: 'Archive storage classes and restore',
    aws: 'Objects in GLACIER and DEEP_ARCHIVE are restored before they are read.',
    here: 'NotImplemented. The other storage classes are recorded and answered.',
    source: `${guide}/storage-class-intro.html`,
    probes: [
      put({ 'x-amz-storage-class': 'GLACIER' }),
      { method: 'POST', query: 'restore=', body: '<x/>', answer: notImplemented },
    ],
  },
  {
    what: 'Lifecycle rules, replication, website, notifications, logging, acceleration, requester pays',
    aws: 'Each is a setting of a bucket.',
    here: 'Reading one answers as for a bucket where it was never set. Setting one is NotImplemented.',
    source: `${api}/API_Operations_Amazon_Simple_Storage_Service.html`,
    probes: [
      ...['lifecycle=', 'replication=', 'website=', 'notification=', 'logging='].map(setting),
      ...['accelerate=', 'requestPayment='].map(setting),
    ],
  },
  {
    what:
      'Inventory, metrics, analytics, Intelligent-Tiering configurations, metadata tables, attribute-based ' +
      'access control',
    aws: 'Each is a configuration of a bucket.',
    here: 'NotImplemented, for reading as well.',
    source: `${api}/API_Operations_Amazon_Simple_Storage_Service.html`,
    probes: [
      ...['abac', 'analytics', 'intelligent-tiering', 'inventory', 'metadataConfiguration'],
      ...['metadataInventoryTable', 'metadataJournalTable', 'metadataTable', 'metrics'],
    ].map((name): GapProbe => ({ method: 'GET', on: 'bucket', query: `${name}=`, answer: notImplemented })),
  },
  {
    what: 'Directory buckets: sessions, appends, renames',
    aws: 'Available in directory buckets.',
    here: 'NotImplemented.',
    source: `${guide}/directory-buckets-overview.html`,
    probes: [
      { method: 'GET', on: 'bucket', query: 'session=', answer: notImplemented },
      put({ 'x-amz-write-offset-bytes': '1' }),
      { method: 'PUT', query: 'append=', body: 'x', answer: notImplemented },
      { method: 'PUT', query: 'renameObject=', answer: notImplemented },
    ],
  },
  {
    what: 'S3 Select, torrents, access points, access grants, object annotations',
    aws: 'Available, or available to existing customers.',
    here: 'NotImplemented, or no such host.',
    source: `${api}/API_Operations_Amazon_Simple_Storage_Service.html`,
    probes: [
      { method: 'POST', query: 'select=&select-type=2', body: '<x/>', answer: notImplemented },
      { method: 'GET', query: 'torrent=', answer: notImplemented },
    ],
  },
  {
    what: 'Buckets in other regions',
    aws: 'The endpoint of us-east-1 creates a bucket in the region that LocationConstraint names.',
    here: 'The store has one region. Any other is IllegalLocationConstraintException.',
    source: `${api}/API_CreateBucket.html`,
    probes: [
      {
        method: 'PUT',
        on: 'bucket',
        body: '<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>',
        answer: '400 IllegalLocationConstraintException',
      },
    ],
  },
  {
    what: 'Encryption',
    aws: 'Encrypts every object: with its own keys (AES256), with KMS keys, or with keys of the customer.',
    here: 'Answers AES256 for every object, and encrypts nothing. KMS and customer keys are NotImplemented.',
    source: `${guide}/serv-side-encryption.html`,
    probes: [
      put({ 'x-amz-server-side-encryption': 'AES256' }, '200'),
      put({ 'x-amz-server-side-encryption': 'aws:kms' }),
      put({ 'x-amz-server-side-encryption-aws-kms-key-id': 'a' }),
      put({ 'x-amz-server-side-encryption-context': 'e30=' }),
      put({ 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }),
      put({ 'x-amz-server-side-encryption-customer-key': 'a' }),
      put({ 'x-amz-server-side-encryption-customer-key-md5': 'a' }),
      put({ 'x-amz-copy-source-server-side-encryption-customer-algorithm': 'AES256' }),
      { method: 'PUT', query: 'encryption=', body: '<x/>', answer: notImplemented },
      setting('encryption='),
    ],
  },
  {
    what: 'Checksums XXHASH64, XXHASH3 and XXHASH128',
    aws: 'Verified and stored like the other algorithms.',
    here: 'NotImplemented. CRC32, CRC32C, CRC64NVME, MD5, SHA1, SHA256 and SHA512 are verified.',
    source: `${guide}/checking-object-integrity.html`,
    probes: [
      ...['xxhash64', 'xxhash3', 'xxhash128'].map((name) => put({ [`x-amz-checksum-${name}`]: 'AAAAAAAAAAA=' })),
      ...['XXHASH64', 'XXHASH3', 'XXHASH128'].map(
        (name): GapProbe => ({
          method: 'POST',
          query: 'uploads=',
          headers: { 'x-amz-checksum-algorithm': name },
          answer: notImplemented,
        }),
      ),
    ],
  },
  {
    what: 'CopyObject of what was uploaded in parts',
    aws: 'The copy has the ETag and the checksum of the whole.',
    here:
      'The same up to 64 MiB. Of more the bytes are not read: the ETag is opaque (32 hex digits, not the ' +
      'MD5), and there is a checksum only where it follows from those of the parts (CRCs) or the request ' +
      'asks for one.',
    source: `${api}/API_CopyObject.html`,
    probes: [],
  },
  {
    what: 'Metadata headers with raw bytes beyond ASCII',
    aws: 'Reads the bytes as ISO-8859-1, so that UTF-8 text comes back encoded twice.',
    here: 'Keeps the bytes, and answers UTF-8 text as an RFC 2047 word of that text.',
    source: 'https://github.com/minio/minio/pull/21282',
    probes: [],
  },
  {
    what: 'ListMultipartUploads, a truncated page that ends with a prefix',
    aws: 'Answers no NextKeyMarker, so that a client cannot ask for the next page.',
    here: 'Answers the prefix as NextKeyMarker.',
    source: `${recordings}/test_s3_list_operations.snapshot.json`,
    probes: [],
  },
  {
    what: '`x-amz-if-match-initiated-time` on AbortMultipartUpload',
    aws: 'Documented for directory buckets only.',
    here: 'Honoured: PreconditionFailed when the upload was initiated at another time.',
    source: `${api}/API_AbortMultipartUpload.html`,
    probes: [],
  },
  {
    what: '`x-amz-bypass-governance-retention` on DeleteObjects',
    aws: 'Refused in buckets without Object Lock.',
    here: 'Ignored, because test suites send it.',
    source: `${api}/API_DeleteObjects.html`,
    probes: [],
  },
  {
    what: 'MFA delete',
    aws: 'A versioned bucket can ask for a second factor.',
    here: 'NotImplemented.',
    source: `${guide}/MultiFactorAuthenticationDelete.html`,
    probes: [put({ 'x-amz-mfa': 'serial 123456' })],
  },
  {
    what: 'IAM, bucket policies and anonymous access',
    aws: 'Policies decide who may do what.',
    here:
      'An account may do everything with its own buckets and nothing with others. Nothing is public. ' +
      'Setting a policy is NotImplemented.',
    source: `${guide}/security-iam.html`,
    probes: [setting('policy='), { method: 'GET', unsigned: true, answer: '403 AccessDenied' }],
  },
  {
    what: 'ACLs',
    aws: 'Disabled in new buckets; Object Ownership can enable them.',
    here: 'Always disabled. Object Ownership cannot be set. When it is deleted, ACLs stay disabled.',
    source: `${guide}/about-object-ownership.html`,
    probes: [
      put({ 'x-amz-acl': 'public-read' }, '400 AccessControlListNotSupported'),
      setting('ownershipControls='),
      setting('publicAccessBlock='),
    ],
  },
  {
    what: 'Signature versions',
    aws: 'Takes version 4, version 4A for multi-region access points, and version 2 in regions from before 2014.',
    here:
      'Takes version 4, and in those regions version 2 in presigned URLs and forms. Version 2 in an ' +
      'Authorization header and version 4A are refused.',
    source: `${api}/sig-v4-authenticating-requests.html`,
    probes: [
      { method: 'GET', unsigned: true, headers: { authorization: 'AWS AKID:c2ln' }, answer: '400 InvalidRequest' },
      {
        method: 'GET',
        unsigned: true,
        headers: { authorization: 'AWS4-ECDSA-P256-SHA256 Credential=a' },
        answer: '400 InvalidArgument',
      },
    ],
  },
  {
    what: 'Errors other than SignatureDoesNotMatch',
    aws: 'Carry no Resource element.',
    here: 'Carry the path as Resource.',
    source: `${recordings}/test_s3.snapshot.json`,
    probes: [{ method: 'GET', query: 'partNumber=0', answer: '400 InvalidArgument' }],
  },
  {
    what: 'TLS',
    aws: 'HTTPS.',
    here: 'HTTP only. Put a proxy in front for HTTPS.',
    source: `${guide}/network-isolation.html`,
    probes: [],
  },
  {
    what: 'A body with `Transfer-Encoding: chunked` and no length',
    aws: 'NotImplemented in some cases, MissingContentLength in others.',
    here: 'MissingContentLength.',
    source: `${api}/ErrorResponses.html`,
    probes: [],
  },
  {
    what: 'Request rates',
    aws: '503 SlowDown above about 3,500 writes a second and prefix.',
    here: 'No limit, unless `faults` asks for SlowDown.',
    source: `${guide}/optimizing-performance.html`,
    probes: [],
  },
  {
    what: 'Durability and memory',
    aws: 'An acknowledged object survives the loss of devices and buildings.',
    here:
      'It survives a crash of the process. A power cut may lose the latest objects unless `durable` is ' +
      'set. All keys are held in memory, about 100 bytes each, and so are the parts of 32 multipart ' +
      'uploads.',
    source: `${guide}/DataDurability.html`,
    probes: [],
  },
];

/** The table of docs/devstore.md. */
export function gapTable(rows: readonly Gap[] = gaps): string {
  const cell = (text: string) => text.replaceAll('|', '\\|');
  return [
    '| what | AWS | devstore | source |',
    '|---|---|---|---|',
    ...rows.map(
      ({ what, aws, here, source }) =>
        `| ${cell(what)} | ${cell(aws)} | ${cell(here)} | [${sourceName(source)}](${source}) |`,
    ),
  ].join('\n');
}

function sourceName(source: string): string {
  const { hostname, pathname } = new URL(source);
  const last =
    pathname
      .split('/')
      .at(-1)
      ?.replace(/\.html$/, '') ?? '';
  if (hostname === 'docs.aws.amazon.com') return `AWS: ${last}`;
  const [, owner, repository, kind] = pathname.split('/');
  return kind === 'blob' ? `${repository}: ${last}` : `${owner}/${repository} #${last}`;
}
