/** DeleteObject and DeleteObjects. */
import { readDocument } from './body.ts';
import { type BucketCall, noContent, noSuchKey, type ObjectCall, type Reply, xmlReply } from './call.ts';
import { readChecksumRequest } from './checksums.ts';
import { etagMatches, preconditionFailed } from './conditions.ts';
import { invalidArgument, invalidRequest, notImplementedHeader, StoreError } from './errors.ts';
import { checkVersion } from './get.ts';
import { checkKey, fromBytes, toBytes } from './keys.ts';
import { checkElement, getChildren, getChildText, malformed, readXml, type XmlElement } from './xml-read.ts';
import { xmlDocument } from './xml-write.ts';

export async function deleteObject(call: ObjectCall): Promise<Reply> {
  const { headers } = call;
  checkVersion(call);
  const ifMatch = headers.get('if-match');
  // Measured on AWS: https://github.com/localstack/localstack/issues/13894
  if (ifMatch !== undefined && call.query.has('versionId')) throw notImplementedHeader('If-Match');
  if (headers.has('x-amz-bypass-governance-retention'))
    throw invalidArgument(
      'x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.',
      'x-amz-bypass-governance-retention',
    );
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html: these two are for directory buckets.
  for (const name of ['x-amz-if-match-last-modified-time', 'x-amz-if-match-size', 'x-amz-mfa'])
    if (headers.has(name)) throw notImplementedHeader(name);
  await removeObject(call, call.key, ifMatch);
  return noContent;
}

/**
 * Deletes the object. Deleting an absent object succeeds, unless the request names the ETag it expects (or `*`).
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html; the 404 was measured on AWS, see
 * https://github.com/ministackorg/ministack/issues/1475
 * @throws StoreError PreconditionFailed for another ETag, NoSuchKey where there is no object
 */
async function removeObject({ bucket }: BucketCall, key: string, ifMatch: string | undefined): Promise<void> {
  await bucket.delete(key, (present) => {
    if (ifMatch === undefined) return;
    if (!present) throw noSuchKey(key);
    if (!etagMatches(ifMatch, present.etag)) throw preconditionFailed('If-Match');
  });
}

const maxKeys = 1000;
/** 1,000 keys of 1,024 bytes, each byte escaped as `&#xNN;`. */
const maxDocumentBytes = 8 * 1024 * 1024;

export async function deleteObjects(call: BucketCall): Promise<Reply> {
  const { headers } = call;
  if (!headers.has('content-md5') && !readChecksumRequest(headers))
    throw invalidRequest('Missing required header for this request: Content-MD5 OR x-amz-checksum-*');
  const root = checkElement(readXml(await readDocument(call, maxDocumentBytes)), 'Delete', ['Object', 'Quiet']);
  const quiet = getChildText(root, 'Quiet')?.trim().toLowerCase() ?? 'false';
  const objects = getChildren(root, 'Object').map(readObject);
  if (objects.length === 0 || objects.length > maxKeys || !['true', 'false'].includes(quiet)) throw malformed();
  const deleted: { Key: string; VersionId?: string }[] = [];
  const errors: { Key: string; Code: string; Message: string }[] = [];
  for (const { key, version, etag } of objects) {
    const named = { Key: fromBytes(key), ...(version === undefined ? {} : { VersionId: version }) };
    try {
      checkVersion({ query: new Map(version === undefined ? [] : [['versionId', version]]) });
      await removeObject(call, checkKey(key), etag);
      deleted.push(named);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      // An unknown version is an error of this key only, and its code is always NoSuchVersion.
      const { code, message } = version === undefined ? error : new StoreError('NoSuchVersion');
      errors.push({ ...named, Code: code, Message: message });
    }
  }
  return xmlReply(xmlDocument('DeleteResult', { Deleted: quiet === 'true' ? [] : deleted, Error: errors }));
}

function readObject(object: XmlElement): { key: string; version: string | undefined; etag: string | undefined } {
  checkElement(object, 'Object', ['Key', 'VersionId', 'ETag', 'LastModifiedTime', 'Size']);
  const key = getChildText(object, 'Key');
  if (!key) throw malformed();
  for (const name of ['LastModifiedTime', 'Size'])
    if (getChildText(object, name) !== undefined)
      throw new StoreError('NotImplemented', { details: { Element: name } });
  return {
    key: toBytes(key),
    version: getChildText(object, 'VersionId') || undefined,
    etag: getChildText(object, 'ETag'),
  };
}
