/** Tags of objects and buckets: their limits, the `x-amz-tagging` header and the Tagging document. */
import { invalidArgument, StoreError } from './errors.ts';
import type { ObjectRecord } from './record.ts';
import { checkElement, getChildren, getChildText, malformed, readXml, type XmlElement } from './xml-read.ts';
import { xmlDocument } from './xml-write.ts';

export type Tags = ObjectRecord['tags'];

export interface TagLimits {
  limit: number;
  /** The message of AWS for more tags than the limit. */
  tooManyMessage: string;
  /** The message of AWS for a key that begins with `aws:`. */
  reservedMessage: string;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html */
export const objectTagLimits: TagLimits = {
  limit: 10,
  tooManyMessage: 'Object tags cannot be greater than 10',
  reservedMessage: 'Your TagKey cannot be prefixed with aws:',
};
export const bucketTagLimits: TagLimits = {
  limit: 50,
  tooManyMessage: 'Bucket tag count cannot be greater than 50',
  reservedMessage: 'System tags cannot be added/updated by requester',
};

/** CreateBucket has another message for reserved keys. */
export const newBucketTagLimits: TagLimits = {
  ...bucketTagLimits,
  reservedMessage:
    'User-defined tag keys can\'t start with "aws:". This prefix is reserved for system tags. Remove ' +
    '"aws:" from your tag keys and try again.',
};

const allowedCharacters = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

function checkTags(tags: Tags, { limit, tooManyMessage, reservedMessage }: TagLimits): Tags {
  if (tags.length > limit) throw new StoreError('BadRequest', { message: tooManyMessage });
  const seen = new Set<string>();
  for (const [key, value] of tags) {
    if (seen.has(key)) throw invalidTag('Cannot provide multiple Tags with the same key', { TagKey: key });
    seen.add(key);
    if (key.startsWith('aws:')) throw invalidTag(reservedMessage, { TagKey: key });
    if (key === '' || [...key].length > 128 || !allowedCharacters.test(key))
      throw invalidTag('The TagKey you have provided is invalid', { TagKey: key });
    if ([...value].length > 256 || !allowedCharacters.test(value))
      throw invalidTag('The TagValue you have provided is invalid', { TagKey: key, TagValue: value });
  }
  return tags;
}

function invalidTag(message: string, details: Record<string, string> = {}): StoreError {
  return new StoreError('InvalidTag', { message, details });
}

/** Parses `key=value&key2=value2`, form-encoded. AWS also accepts `a=1&&&b`. */
export function parseTagHeader(value: string | undefined): Tags {
  if (value === undefined || value === '') return [];
  const tags: Tags = [...new URLSearchParams(value)].sort(([a], [b]) => (a < b ? -1 : 1));
  const isMalformed = value.split('&').some((pair) => pair.split('=').length > 2 || pair.includes(','));
  if (isMalformed || new Set(tags.map(([key]) => key)).size !== tags.length)
    throw invalidArgument(
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without " +
        'tag name duplicates.',
      'x-amz-tagging',
      value,
    );
  return checkTags(tags, objectTagLimits);
}

/** @throws StoreError MalformedXML, InvalidTag */
export function parseTagDocument(xml: Buffer | string, limits: TagLimits): Tags {
  const root = checkElement(readXml(xml), 'Tagging', ['TagSet']);
  const [set, ...more] = getChildren(root, 'TagSet');
  // A document without a TagSet sets no tags.
  if (!set) return [];
  if (more.length > 0) throw malformed();
  return readTagList(set, 'TagSet', limits);
}

/** Reads the `Tag` elements of a `TagSet`, or of the `Tags` of CreateBucket. */
export function readTagList(set: XmlElement, name: string, limits: TagLimits): Tags {
  if (set.text.trim() !== '') throw malformed();
  checkElement(set, name, ['Tag']);
  const tags = getChildren(set, 'Tag').map((tag): [string, string] => {
    checkElement(tag, 'Tag', ['Key', 'Value']);
    const [key, value] = [getChildText(tag, 'Key'), getChildText(tag, 'Value')];
    if (key === undefined || value === undefined) throw malformed();
    return [key, value];
  });
  return checkTags(tags, limits);
}

export function tagDocument(tags: Tags): string {
  return xmlDocument('Tagging', { TagSet: { Tag: tags.map(([Key, Value]) => ({ Key, Value })) } });
}
