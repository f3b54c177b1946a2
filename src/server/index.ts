/**
 * server: decides who may store which bytes at which key, signs requests for exactly those, and verifies what was
 * stored. File bytes never pass through it. What only other modules of this package need is in internal.ts.
 */

export type {
  Action,
  Authorize,
  AuthorizeFile,
  AuthorizeInput,
  CallbackRequest,
  CompleteInput,
  DeleteInput,
  ExpireInput,
  GrantedFile,
  InspectInput,
  KeyInput,
  ListInput,
  Owner,
  RejectInput,
  RenameInput,
  StoredFileInput,
} from './callback-inputs.ts';
export type { Completed, Completing } from './completion/result.ts';
export {
  createUploads,
  type TypesOf,
  type Uploads,
  type UploadsView,
} from './create-uploads.ts';
export type { EventName, EventTable, Operation, UploadsEvent } from './events.ts';
export type { FileService } from './files/index.ts';
export type {
  ChangeOptions,
  CopyFileOptions,
  ExportedFile,
  ExportOptions,
  FileOptions,
  FilePage,
  ForgetOptions,
  ForgetReport,
  ListOptions,
  OwnedFile,
  OwnerExport,
} from './files/types.ts';
export type { PlainRequest, PlainResponse } from './http/plain-request.ts';
export type { UploadsOptions } from './options.ts';
export type { RateLimitOptions } from './rate-limits/rate-limits.ts';
export type { Rate, RateLimiter, RateLimitStore } from './rate-limits/store.ts';
export { type AnyRoute, anyone, route } from './route.ts';
export type { Route, RouteDefinition } from './route-definition.ts';
export type { Background } from './shared/background.ts';
export type { Instrument } from './shared/instrument.ts';
export type { RandomFill } from './shared/random-pool.ts';
export type { Secret, SecretOption } from './shared/secrets.ts';
export type { StandardSchema } from './shared/standard-schema.ts';
export type { AuditAction, AuditEntry, AuditFilter, AuditPage, FileFilter, FileLedger } from './state/file-ledger.ts';
export type {
  CallbackRecord,
  Counts,
  Deletion,
  Ledger,
  Orphan,
  OwnerUsage,
  PendingCallback,
  Quota,
  SweepRecord,
  UploadFilter,
  UploadPage,
  UploadRecord,
  UploadState,
  Usage,
  WebhookRecord,
} from './state/ledger.ts';
export type { StorageEventResult } from './storage-events/index.ts';
export type { EventsOptions } from './storage-events/options.ts';
export {
  type EventQueue,
  type QueueMessage,
  type SqsQueueOptions,
  sqsQueue,
} from './storage-events/queue.ts';
export type { SnsOptions } from './storage-events/sns.ts';
export type { SweepOptions, SweepReport } from './sweep/report.ts';
export { startUpkeep, type UpkeepOptions } from './upkeep.ts';
export type { ViewRef } from './views/view-refs.ts';
export type { PresignViewOptions } from './views/views.ts';
export type { Delivery, DeliveryOptions } from './webhooks/deliver.ts';
export type { WebhooksOptions, WebhookType } from './webhooks/options.ts';
