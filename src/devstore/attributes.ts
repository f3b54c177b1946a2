/** GetObjectAttributes. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html */
import { noSuchKey, type ObjectCall, type Reply, xmlReply } from './call.ts';
import { checksumElementName, checksumElements } from './checksums.ts';
import { checkReadConditions, preconditionFailed, readConditions } from './conditions.ts';
import { invalidArgument, invalidRequest } from './errors.ts';
import { checkVersion } from './get.ts';
import type { ObjectRecord } from './record.ts';
import { type XmlNode, xmlDocument } from './xml-write.ts';

const attributes: ReadonlySet<string> = new Set(['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize']);

export async function getObjectAttributes(call: ObjectCall): Promise<Reply> {
  const { headers, bucket, key, store } = call;
  checkVersion(call);
  const wanted = (headers.get('x-amz-object-attributes') ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (wanted.length === 0)
    throw invalidRequest(
      'The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty',
    );
  if (wanted.some((name) => !attributes.has(name)))
    throw invalidArgument('Invalid attribute name specified.', 'x-amz-object-attributes');
  const record = await bucket.head(key);
  if (!record) throw noSuchKey(key);
  const failedCondition = checkReadConditions(headers, record, readConditions, store.now());
  if (failedCondition?.status === 412) throw preconditionFailed(failedCondition.condition);
  if (failedCondition) return { status: 304 };
  const has = (name: string) => wanted.includes(name);
  const { checksum } = record;
  return xmlReply(
    xmlDocument('GetObjectAttributesResponse', {
      ETag: has('ETag') ? record.etag : undefined,
      Checksum:
        has('Checksum') && checksum
          ? checksumElements({ ...checksum, value: checksum.value.replace(/-\d+$/, '') })
          : undefined,
      ObjectParts: has('ObjectParts') && record.parts ? objectParts(call, record, record.parts) : undefined,
      StorageClass: has('StorageClass') ? record.storageClass : undefined,
      ObjectSize: has('ObjectSize') ? record.size : undefined,
    }),
    { 'last-modified': new Date(record.modified).toUTCString() },
  );
}

/** S3 lists the parts only of an object with a composite checksum. For any other it returns only their number. */
function objectParts(
  { headers }: ObjectCall,
  record: ObjectRecord,
  parts: NonNullable<ObjectRecord['parts']>,
): XmlNode {
  const { checksum } = record;
  if (checksum?.type !== 'COMPOSITE') return { PartsCount: parts.length };
  const marker = readNumber(headers, 'x-amz-part-number-marker', 0);
  const limit = Math.min(1000, readNumber(headers, 'x-amz-max-parts', 1000));
  const rest = parts.filter(({ partNumber }) => partNumber > marker);
  const page = rest.slice(0, limit);
  return {
    PartsCount: parts.length,
    PartNumberMarker: marker,
    NextPartNumberMarker: page.at(-1)?.partNumber ?? 0,
    MaxParts: limit,
    IsTruncated: rest.length > page.length,
    Part: page.map((part) => ({
      PartNumber: part.partNumber,
      Size: part.size,
      [checksumElementName(checksum.algorithm)]: part.checksum,
    })),
  };
}

function readNumber(headers: ObjectCall['headers'], name: string, otherwise: number): number {
  const text = headers.get(name);
  if (text === undefined) return otherwise;
  if (!/^\d{1,6}$/.test(text))
    throw invalidArgument(`Provided ${name} not an integer or within integer range`, name, text);
  return Number(text);
}
