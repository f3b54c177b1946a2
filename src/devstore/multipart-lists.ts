/** ListParts and ListMultipartUploads. */
import type { BucketCall, ObjectCall, Owner, Reply } from './call.ts';
import { quoteEtag, xmlReply } from './call.ts';
import { checksumElementName } from './checksums.ts';
import { invalidArgument } from './errors.ts';
import { fromBytes } from './keys.ts';
import { createEncoder, ownerElement, readCount, readEncoding } from './list.ts';
import { requireUpload } from './multipart.ts';
import { toWholeSecond } from './put.ts';
import type { UploadInfo } from './upload-info.ts';
import { type XmlNode, xmlDocument } from './xml-write.ts';

export async function listParts(call: ObjectCall): Promise<Reply> {
  const { bucket, query, store } = call;
  const upload = requireUpload(call);
  const limit = readCount(query, 'max-parts');
  const markerText = query.get('part-number-marker') || '0';
  if (!/^\d{1,9}$/.test(markerText))
    throw invalidArgument(
      'Provided part-number-marker not an integer or within integer range',
      'part-number-marker',
      markerText,
    );
  const marker = Number(markerText);
  const rest = [...bucket.uploads.parts(upload.multipartId)].filter(([number]) => number > marker);
  const page = rest.slice(0, limit);
  const owner = store.ownerById(upload.ownerId);
  const { algorithm } = upload;
  return xmlReply(
    xmlDocument('ListPartsResult', {
      Bucket: bucket.info.name,
      Key: fromBytes(upload.key),
      UploadId: upload.multipartId,
      Initiator: initiatorElement(owner),
      Owner: ownerElement(owner),
      StorageClass: upload.storageClass,
      PartNumberMarker: marker,
      NextPartNumberMarker: page.at(-1)?.[0] ?? 0,
      MaxParts: limit,
      IsTruncated: rest.length > page.length,
      ChecksumAlgorithm: algorithm,
      ChecksumType: upload.type,
      Part: page.map(([PartNumber, part]) => ({
        PartNumber,
        LastModified: new Date(part.modified).toISOString(),
        ETag: quoteEtag(part.etag),
        Size: part.size,
        ...(algorithm && part.checksum ? { [checksumElementName(algorithm)]: part.checksum.value } : {}),
      })),
    }),
  );
}

/** AWS still returns the DisplayName of an initiator, but not that of an owner. */
function initiatorElement({ id, displayName }: Owner): XmlNode {
  return { ID: id, DisplayName: displayName };
}

export async function listMultipartUploads(call: BucketCall): Promise<Reply> {
  const { bucket, query, store } = call;
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = keyMarker === '' ? '' : (query.get('upload-id-marker') ?? '');
  const encoding = readEncoding(query);
  const encode = createEncoder(encoding);
  const limit = readCount(query, 'max-uploads');
  const all = bucket.uploads.list();
  const uploads: XmlNode[] = [];
  const prefixes = new Set<string>();
  /** The next page begins after this upload, or after this common prefix. */
  let next = { key: '', multipartId: '' };
  let truncated = false;
  for (const upload of uploadsAfter(all, keyMarker, idMarker)) {
    if (!upload.key.startsWith(prefix)) continue;
    const at = delimiter === '' ? -1 : upload.key.indexOf(delimiter, prefix.length);
    const common = at < 0 ? null : upload.key.slice(0, at + delimiter.length);
    if (common !== null && (prefixes.has(common) || keyMarker.startsWith(common))) continue;
    if (uploads.length + prefixes.size === limit) {
      truncated = limit > 0;
      break;
    }
    if (common !== null) {
      prefixes.add(common);
      next = { key: common, multipartId: '' };
      continue;
    }
    next = upload;
    const owner = store.ownerById(upload.ownerId);
    uploads.push({
      Key: encode(upload.key),
      UploadId: upload.multipartId,
      Initiator: initiatorElement(owner),
      Owner: ownerElement(owner),
      StorageClass: upload.storageClass,
      Initiated: new Date(toWholeSecond(upload.initiated)).toISOString(),
      ChecksumAlgorithm: upload.algorithm,
      ChecksumType: upload.type,
    });
  }
  // AWS returns the last upload as next marker even when no page follows, but not the last prefix.
  if (!truncated && next.multipartId === '') next = { key: '', multipartId: '' };
  return xmlReply(
    xmlDocument('ListMultipartUploadsResult', {
      Bucket: bucket.info.name,
      KeyMarker: encode(keyMarker),
      UploadIdMarker: idMarker,
      NextKeyMarker: encode(next.key),
      NextUploadIdMarker: next.multipartId,
      Delimiter: delimiter === '' ? undefined : encode(delimiter),
      Prefix: query.has('prefix') ? encode(prefix) : undefined,
      EncodingType: encoding,
      MaxUploads: limit,
      IsTruncated: truncated,
      Upload: uploads,
      CommonPrefixes: [...prefixes].map((name) => ({ Prefix: encode(name) })),
    }),
  );
}

/** A key marker without an id skips all uploads of that key. */
function uploadsAfter(all: readonly UploadInfo[], keyMarker: string, idMarker: string): readonly UploadInfo[] {
  if (keyMarker === '') return all;
  if (idMarker === '') return all.filter(({ key }) => key > keyMarker);
  const at = all.findIndex(({ key, multipartId }) => key === keyMarker && multipartId === idMarker);
  if (at >= 0) return all.slice(at + 1);
  // The upload was aborted or completed since the last page. S3 then continues in the order of the identifiers.
  if (!/^[0-9a-f]{64}$/.test(idMarker) || all.some(({ multipartId }) => multipartId === idMarker))
    throw invalidArgument('Invalid uploadId marker', 'upload-id-marker', idMarker);
  return all.filter(({ key, multipartId }) => key > keyMarker || (key === keyMarker && multipartId > idMarker));
}
