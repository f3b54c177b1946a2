/**
 * The ACL operations. ACLs are disabled (bucket owner enforced): they can be read, and set only to the value that they
 * have.
 */
import { readDocument } from './body.ts';
import { type BucketCall, noSuchKey, type ObjectCall, type Owner, type Reply, xmlReply } from './call.ts';
import { StoreError } from './errors.ts';
import { checkVersion } from './get.ts';
import { ownerElement } from './list.ts';
import { checkAcl, grantHeaders } from './object-headers.ts';
import { getChildren, getChildText, readXml, type XmlElement } from './xml-read.ts';
import { xmlDocument } from './xml-write.ts';

function aclDocument(owner: Owner): string {
  const type = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"';
  return xmlDocument('AccessControlPolicy', {
    Owner: ownerElement(owner),
    AccessControlList: { Grant: { Grantee: { '@': type, ...ownerElement(owner) }, Permission: 'FULL_CONTROL' } },
  });
}

export async function getBucketAcl({ bucket, store }: BucketCall): Promise<Reply> {
  return xmlReply(aclDocument(store.ownerById(bucket.info.ownerId)));
}

export async function getObjectAcl(call: ObjectCall): Promise<Reply> {
  checkVersion(call);
  if (!(await call.bucket.head(call.key))) throw noSuchKey(call.key);
  return getBucketAcl(call);
}

export async function putBucketAcl(call: BucketCall): Promise<Reply> {
  const { headers, bucket } = call;
  const byHeader = headers.has('x-amz-acl') || grantHeaders.some((name) => headers.has(name));
  const document = await readDocument(call, 64 * 1024);
  if (!byHeader && document.length === 0)
    throw new StoreError('MissingSecurityHeader', { details: { MissingHeaderName: 'x-amz-acl' } });
  checkAcl(headers);
  if (document.length > 0 && !grantsOwnerOnly(readXml(document), bucket.info.ownerId))
    throw new StoreError('AccessControlListNotSupported');
  return { status: 200 };
}

export async function putObjectAcl(call: ObjectCall): Promise<Reply> {
  checkVersion(call);
  if (!(await call.bucket.head(call.key))) throw noSuchKey(call.key);
  return putBucketAcl(call);
}

function grantsOwnerOnly(policy: XmlElement, ownerId: string): boolean {
  const grants = getChildren(policy, 'AccessControlList').flatMap((list) => getChildren(list, 'Grant'));
  return (
    policy.name === 'AccessControlPolicy' &&
    grants.length === 1 &&
    grants.every(
      (grant) =>
        getChildText(grant, 'Permission') === 'FULL_CONTROL' &&
        getChildren(grant, 'Grantee').some((grantee) => getChildText(grantee, 'ID') === ownerId),
    )
  );
}
