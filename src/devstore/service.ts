/** ListBuckets, CreateBucket, HeadBucket, GetBucketLocation and DeleteBucket. */
import { readDocument } from './body.ts';
import { type BucketCall, type Call, noContent, type Owner, type Reply, xmlReply } from './call.ts';
import { invalidArgument, notImplementedHeader, StoreError } from './errors.ts';
import { openToken, ownerElement, readCount, sealToken } from './list.ts';
import { checkAcl } from './object-headers.ts';
import { toWholeSecond } from './put.ts';
import { newBucketTagLimits, readTagList, type Tags } from './tags.ts';
import { isBucketName } from './target.ts';
import { checkElement, getChildren, getChildText, readXml } from './xml-read.ts';
import { xmlDocument } from './xml-write.ts';

/** The scope of continuation tokens of ListBuckets. It is not a valid bucket name. */
const serviceScope = '/';

export async function listBuckets(call: Call & { caller: Owner }): Promise<Reply> {
  const { store, query, caller } = call;
  const prefix = query.get('prefix') ?? '';
  const region = query.get('bucket-region');
  const limit = readCount(query, 'max-buckets', 10_000);
  if (limit === 0)
    throw invalidArgument('Argument max-buckets must be an integer between 1 and 10000', 'max-buckets', '0');
  const token = query.get('continuation-token');
  const after = token ? openToken(token, serviceScope) : '';
  const found = store.buckets
    .list()
    .map(({ info }) => info)
    .filter((info) => info.ownerId === caller.id && info.name.startsWith(prefix) && info.name > after)
    .filter((info) => region === undefined || info.region === region);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return xmlReply(
    xmlDocument('ListAllMyBucketsResult', {
      Owner: ownerElement(caller),
      Buckets: {
        Bucket: page.map((info) => ({
          Name: info.name,
          CreationDate: new Date(toWholeSecond(info.created)).toISOString(),
          BucketRegion: info.region,
          BucketArn: bucketArn(info.name),
        })),
      },
      Prefix: query.has('prefix') ? prefix : undefined,
      ContinuationToken: found.length > page.length && last ? sealToken(last.name, serviceScope) : undefined,
    }),
  );
}

function bucketArn(name: string): string {
  return `arn:aws:s3:::${name}`;
}

export async function createBucket(call: Call & { caller: Owner }): Promise<Reply> {
  const { store, target, headers, caller } = call;
  const name = target.bucket ?? '';
  if (!isBucketName(name)) throw new StoreError('InvalidBucketName', { details: { BucketName: name } });
  if (headers.get('x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true')
    throw notImplementedHeader('x-amz-bucket-object-lock-enabled');
  const ownership = headers.get('x-amz-object-ownership');
  if (ownership === 'BucketOwnerPreferred' || ownership === 'ObjectWriter')
    throw notImplementedHeader('x-amz-object-ownership');
  if (ownership !== undefined && ownership !== 'BucketOwnerEnforced')
    throw invalidArgument(`Invalid x-amz-object-ownership header: ${ownership}`, 'x-amz-object-ownership');
  checkAcl(headers, 'InvalidBucketAclWithObjectOwnership');
  const { constraint, tags } = readConfiguration(await readDocument(call, 128 * 1024));
  checkConstraint(constraint, store.region);
  const created = await store.buckets.create({
    name,
    ownerId: caller.id,
    region: store.region,
    created: store.now(),
    ...(tags.length > 0 ? { tags } : {}),
  });
  if (!created) {
    const owner = store.buckets.get(name)?.info.ownerId;
    if (owner !== caller.id) throw new StoreError('BucketAlreadyExists', { details: { BucketName: name } });
    // In us-east-1, creating your own bucket again succeeds, unless the request has tags.
    if (store.region !== 'us-east-1' || tags.length > 0)
      throw new StoreError('BucketAlreadyOwnedByYou', { details: { BucketName: name } });
  }
  return { status: 200, headers: { location: `/${name}`, 'x-amz-bucket-arn': bucketArn(name) } };
}

function readConfiguration(document: Buffer): { constraint: string | undefined; tags: Tags } {
  if (document.length === 0) return { constraint: undefined, tags: [] };
  const root = checkElement(readXml(document), 'CreateBucketConfiguration', [
    'LocationConstraint',
    'Location',
    'Bucket',
    'Tags',
  ]);
  for (const name of ['Location', 'Bucket'])
    if (getChildren(root, name).length > 0) throw new StoreError('NotImplemented', { details: { Element: name } });
  const [tagList] = getChildren(root, 'Tags');
  return {
    constraint: getChildText(root, 'LocationConstraint')?.trim() || undefined,
    tags: tagList ? readTagList(tagList, 'Tags', newBucketTagLimits) : [],
  };
}

const regionName = /^[a-z]{2}(-[a-z]+)+-\d$/;

function checkConstraint(constraint: string | undefined, region: string): void {
  if (region === 'us-east-1') {
    if (constraint === undefined) return;
    // In us-east-1 AWS accepts another region and creates the bucket there. This store has one region.
    const isOther = constraint !== region && (constraint === 'EU' || regionName.test(constraint));
    if (!isOther) throw new StoreError('InvalidLocationConstraint', { details: { LocationConstraint: constraint } });
  }
  if (constraint !== region)
    throw new StoreError('IllegalLocationConstraintException', {
      message:
        `The ${constraint ?? 'unspecified'} location constraint is incompatible for the region specific ` +
        'endpoint this request was sent to.',
    });
}

export async function headBucket({ bucket }: BucketCall): Promise<Reply> {
  return {
    status: 200,
    headers: {
      'x-amz-bucket-region': bucket.info.region,
      'x-amz-bucket-arn': bucketArn(bucket.info.name),
      'x-amz-access-point-alias': 'false',
      'content-type': 'application/xml',
    },
  };
}

export async function getBucketLocation({ bucket }: BucketCall): Promise<Reply> {
  const { region } = bucket.info;
  return xmlReply(xmlDocument('LocationConstraint', {}).replace('></', `>${region === 'us-east-1' ? '' : region}</`));
}

export async function deleteBucket({ bucket, store }: BucketCall): Promise<Reply> {
  if (await store.buckets.remove(bucket)) return noContent;
  throw new StoreError('BucketNotEmpty', { details: { BucketName: bucket.info.name } });
}
