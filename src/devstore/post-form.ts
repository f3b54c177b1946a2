/**
 * POST Object: an upload by an HTML form, which may do exactly what its signed policy allows.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 */
import { randomUUID } from 'node:crypto';
import { checkContentLength, verifyPolicy } from '../s3/internal.ts';
import { maxPutBytes } from './body.ts';
import { type Call, quoteEtag, type Reply } from './call.ts';
import { checksumHeaders, defaultAlgorithm, readChecksumRequest } from './checksums.ts';
import { checkDigests, createDigests, readContentMd5 } from './digests.ts';
import { invalidArgument, StoreError } from './errors.ts';
import { readBoundary, readForm } from './form-stream.ts';
import { checkKey, fromBytes, toBytes } from './keys.ts';
import { describeObject, encryptionHeader } from './object-headers.ts';
import { publishObject, toWholeSecond } from './put.ts';
import type { ObjectRecord } from './record.ts';
import { readRequest } from './request-stream.ts';
import { acceptsSignatureV2, convertFormToV4, isFormV2 } from './signature-v2.ts';
import { objectTagLimits, parseTagDocument } from './tags.ts';
import { xmlDocument } from './xml-write.ts';

export interface FormOptions {
  lookup: Parameters<typeof verifyPolicy>[0]['lookup'];
  region: string;
}

/** A form without any of these fields is anonymous, even with a policy. */
const signatureField = /^(x-amz-(signature|credential|algorithm|date)|signature|awsaccesskeyid)$/i;

export async function postObject(call: Call, { lookup, region }: FormOptions): Promise<Reply> {
  const { store, headers, target } = call;
  const name = target.bucket ?? '';
  const boundary = readBoundary(headers.get('content-type'));
  if (!headers.has('content-length')) throw new StoreError('MissingContentLength');
  const bucket = store.buckets.get(name);
  if (!bucket) throw new StoreError('NoSuchBucket', { details: { BucketName: name } });
  call.sendContinue();
  const { fields: sent, file } = await readForm(readRequest(call), boundary);

  const key = readKey(sent, file?.fileName);
  call.setFormKey(key);
  if (!sent.some(([field]) => signatureField.test(field))) throw new StoreError('AccessDenied');
  const text = sent.map(([field, value]): [string, string] => [
    fromBytes(field),
    field.toLowerCase() === 'key' ? fromBytes(key) : fromBytes(value),
  ]);
  const signed =
    isFormV2(text) && acceptsSignatureV2(region) ? convertFormToV4(text, lookup, region, store.now()) : text;
  const verified = verifyPolicy({ fields: signed, bucket: name, lookup, now: store.now(), region });
  const caller = store.ownerOf(verified.accessKeyId);
  call.caller = caller;
  if (caller.id !== bucket.info.ownerId) throw new StoreError('AccessDenied');
  if (!file) throw invalidArgument('POST requires exactly one file upload per request.', 'file', '0');

  const fields = new Map([...verified.fields].map(([field, value]) => [field, toBytes(value)]));
  const tagging = verified.fields.get('tagging');
  const description = describeObject(fields, 'form');
  if (tagging !== undefined) description.tags = parseTagDocument(tagging, objectTagLimits);
  const requested = readChecksumRequest(fields);
  const contentMd5 = readContentMd5(fields.get('content-md5'));
  const algorithm = requested?.algorithm ?? defaultAlgorithm;
  const digests = createDigests(algorithm, { md5: store.md5Etags || contentMd5 !== undefined });
  const draft = store.buckets.draft();
  try {
    for await (const data of file.data) {
      digests.update(data);
      checkContentLength(verified.contentLengthRange, digests.size, false);
      if (digests.size > maxPutBytes) throw tooLarge(digests.size);
      draft.write(data);
    }
    checkContentLength(verified.contentLengthRange, digests.size);
    const actual = digests.finish();
    checkDigests({ algorithm, checksum: requested?.expected, contentMd5 }, actual);
    const record: ObjectRecord = {
      ...description,
      key,
      id: randomUUID(),
      size: actual.size,
      etag: actual.etag,
      modified: toWholeSecond(store.now()),
      checksum: { algorithm, value: actual.checksum, type: 'FULL_OBJECT' },
    };
    await publishObject({ bucket, store }, record, draft);
    return createReply(call, record, verified.fields);
  } finally {
    await draft.discard();
  }
}

function tooLarge(size: number): StoreError {
  return new StoreError('EntityTooLarge', {
    details: { ProposedSize: String(size), MaxSizeAllowed: String(maxPutBytes) },
  });
}

/**
 * Returns the key as a byte string. `${filename}` is replaced by the file name without its folder. A file that was
 * sent as a plain field has no name, and the placeholder stays.
 */
function readKey(fields: readonly (readonly [string, string])[], fileName: string | undefined): string {
  const given = fields.find(([field]) => field.toLowerCase() === 'key')?.[1];
  if (given === undefined)
    throw invalidArgument(
      "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
      'key',
      '',
    );
  const base = fileName?.slice(Math.max(fileName.lastIndexOf('/'), fileName.lastIndexOf('\\')) + 1);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: S3's own placeholder
  const key = checkKey(base === undefined ? given : given.replaceAll('${filename}', () => base));
  if (key === '')
    throw new StoreError('InvalidArgument', {
      message: 'User key must have a length greater than 0.',
      details: { ArgumentName: 'key', ArgumentValue: '' },
    });
  return key;
}

/** The response that the form asks for: a redirect with 303, or 200, 201 with a document, or 204. */
function createReply(call: Call, record: ObjectRecord, fields: ReadonlyMap<string, string>): Reply {
  const bucket = call.target.bucket ?? '';
  const key = fromBytes(record.key);
  const origin = `http://${call.headers.get('host') ?? 'localhost'}`;
  const location = `${origin}/${bucketPath(call, bucket)}${encodeURIComponent(key)}`;
  const headers = { etag: quoteEtag(record.etag), location, ...checksumHeaders(record.checksum), ...encryptionHeader };
  const redirect = parseRedirect(fields.get('success_action_redirect') ?? fields.get('redirect'));
  if (redirect) {
    for (const [name, value] of [
      ['bucket', bucket],
      ['key', key],
      ['etag', quoteEtag(record.etag)],
    ] as const)
      redirect.searchParams.set(name, value);
    return { status: 303, headers: { ...headers, location: redirect.href } };
  }
  const status = fields.get('success_action_status');
  if (status === '200') return { status: 200, headers };
  if (status !== '201') return { status: 204, headers };
  const document = xmlDocument(
    'PostResponse',
    { Location: location, Bucket: bucket, Key: key, ETag: quoteEtag(record.etag) },
    { namespace: false },
  );
  return { status: 201, headers: { ...headers, 'content-type': 'application/xml' }, body: document };
}

function bucketPath({ rawPath }: Call, bucket: string): string {
  return rawPath === '/' ? '' : `${bucket}/`;
}

/** S3 ignores a redirect that is not a valid URL. */
function parseRedirect(value: string | undefined): URL | undefined {
  if (value === undefined || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  return /^https?:$/.test(url.protocol) ? url : undefined;
}
