/**
 * Bucket settings that this store does not support. Reading one returns what AWS returns for a new bucket. Setting
 * one is NotImplemented, because ignoring it would change the meaning of the bucket.
 */
import { type BucketCall, noContent, type Reply, xmlReply } from './call.ts';
import { StoreError, type StoreErrorCode } from './errors.ts';
import { type XmlNode, xmlDocument } from './xml-write.ts';

type DefaultResponse = { code: StoreErrorCode } | { root: string; content: XmlNode };

export const defaultSettings: Readonly<
  Record<
    string,
    {
      get: DefaultResponse;
      /** Whether DELETE is allowed. Deleting a setting that is not set succeeds. */
      deletable: boolean;
      /** For a setting that new buckets have: the error of reading it after it was deleted. */
      removed?: StoreErrorCode;
    }
  >
> = {
  accelerate: { get: { root: 'AccelerateConfiguration', content: {} }, deletable: false },
  encryption: {
    get: {
      root: 'ServerSideEncryptionConfiguration',
      content: {
        Rule: { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: false },
      },
    },
    deletable: true,
  },
  lifecycle: { get: { code: 'NoSuchLifecycleConfiguration' }, deletable: true },
  logging: { get: { root: 'BucketLoggingStatus', content: {} }, deletable: false },
  notification: { get: { root: 'NotificationConfiguration', content: {} }, deletable: false },
  'object-lock': { get: { code: 'ObjectLockConfigurationNotFoundError' }, deletable: false },
  ownershipControls: {
    get: { root: 'OwnershipControls', content: { Rule: { ObjectOwnership: 'BucketOwnerEnforced' } } },
    deletable: true,
    removed: 'OwnershipControlsNotFoundError',
  },
  policy: { get: { code: 'NoSuchBucketPolicy' }, deletable: true },
  policyStatus: { get: { code: 'NoSuchBucketPolicy' }, deletable: false },
  publicAccessBlock: {
    get: {
      root: 'PublicAccessBlockConfiguration',
      content: { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true },
    },
    deletable: true,
    removed: 'NoSuchPublicAccessBlockConfiguration',
  },
  replication: { get: { code: 'ReplicationConfigurationNotFoundError' }, deletable: true },
  requestPayment: { get: { root: 'RequestPaymentConfiguration', content: { Payer: 'BucketOwner' } }, deletable: false },
  versioning: { get: { root: 'VersioningConfiguration', content: {} }, deletable: false },
  website: { get: { code: 'NoSuchWebsiteConfiguration' }, deletable: true },
};

export function getDefaultSetting(setting: string): (call: BucketCall) => Promise<Reply> {
  return async ({ bucket }) => {
    const { get: defaultResponse, removed } = defaultSettings[setting] ?? {};
    if (!defaultResponse) throw new StoreError('NotImplemented');
    if (removed && bucket.info.removed?.includes(setting))
      throw new StoreError(removed, { details: { BucketName: bucket.info.name } });
    if ('code' in defaultResponse)
      throw new StoreError(defaultResponse.code, { details: { BucketName: bucket.info.name } });
    return xmlReply(xmlDocument(defaultResponse.root, defaultResponse.content));
  };
}

export function deleteSetting(setting: string): (call: BucketCall) => Promise<Reply> {
  return async ({ bucket }) => {
    const { removed = [] } = bucket.info;
    if (defaultSettings[setting]?.removed && !removed.includes(setting))
      await bucket.save({ removed: [...removed, setting] });
    return noContent;
  };
}
