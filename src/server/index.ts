/**
 * server: decides who may store which bytes where, signs exactly that, and checks what arrived. Routes, grants,
 * completion, views, and the handler over plain requests with the Fetch API on top. No byte of a file comes through it.
 */
export type { Completed, Completing } from './completion/result.ts';
export {
  createUploads,
  type TypesOf,
  type Uploads,
  type UploadsView,
} from './create-uploads.ts';
export type { EventName, EventTable, Operation, UploadsEvent } from './events.ts';
export type { PlainRequest, PlainResponse } from './http/plain-request.ts';
export { bodyReadBefore } from './http/read-json.ts';
export type { UploadsOptions } from './options.ts';
export type { RateLimitOptions } from './rate-limits/rate-limits.ts';
export type { Rate, RateLimiter, RateLimitStore } from './rate-limits/store.ts';
export { type AnyRoute, anyone, route } from './route.ts';
export { type Instrument, instrumentStorage } from './shared/instrument.ts';
export type { RandomFill } from './shared/random-pool.ts';
export type { Secret } from './shared/secrets.ts';
export type { StandardSchema } from './shared/standard-schema.ts';
export {
  type CallbackRecord,
  type ClaimedUpload,
  type Counts,
  type Ending,
  type GrantOutcome,
  type Ledger,
  mayFollow,
  type NewUpload,
  type NewWebhook,
  type Orphan,
  type OwnerUsage,
  type Quota,
  type QuotaRefusal,
  type SweepRecord,
  transitions,
  type UploadFilter,
  type UploadPage,
  type UploadRecord,
  type UploadState,
  type Usage,
  type WebhookRecord,
} from './state/ledger.ts';
export type { StorageEventResult } from './storage-events/index.ts';
export type { EventsOptions } from './storage-events/options.ts';
export {
  type EventQueue,
  type Polling,
  type PollOptions,
  pollStorageEvents,
  type QueueMessage,
  type SqsQueueOptions,
  sqsQueue,
} from './storage-events/queue.ts';
export type { SnsOptions } from './storage-events/sns.ts';
export { type Sweeping, type SweepingOptions, startSweeping } from './sweep/loop.ts';
export type { SweepOptions, SweepReport } from './sweep/report.ts';
export type {
  Action,
  Authorize,
  AuthorizeFile,
  AuthorizeInput,
  CallbackRequest,
  CompleteInput,
  InspectInput,
  KeyInput,
  Owner,
  Route,
  RouteDefinition,
  StoredFileInput,
} from './types.ts';
export { startUpkeep, type UpkeepOptions } from './upkeep.ts';
export type { ViewRef } from './views/view-refs.ts';
export type { PresignViewOptions } from './views/views.ts';
export {
  type Delivering,
  type Delivery,
  type DeliveryOptions,
  deliverDue,
  startDelivering,
} from './webhooks/deliver.ts';
export { type WebhooksOptions, type WebhookType, webhookTypes } from './webhooks/options.ts';
