/** What all uploads of one client share. */
import type {
  ChecksumAlgorithm,
  FileDeclaration,
  GrantedUpload,
  MultipartCompletion,
  PendingUpload,
  RouteInfo,
} from '../protocol/index.ts';
import type { Api } from './api.ts';
import type { HashBlob } from './checksum.ts';
import type { Exchange } from './exchange.ts';
import type { HashWorkers } from './hash/in-worker.ts';
import type { HostChoice } from './multipart/hosts.ts';
import type { Pool } from './pool.ts';
import type { Outcome, Step } from './steps.ts';
import type { ClientOptions, ResumeStore, Source, UploadResult } from './types.ts';

export interface ClientContext
  extends Required<Pick<ClientOptions, 'endpoint' | 'concurrency' | 'retries' | 'now' | 'random' | 'online'>> {
  readonly api: Api;
  readonly exchange: Exchange;
  readonly checkContent: ClientOptions['checkContent'];
  openRoute(name: string): Promise<Route>;
  complete(grant: string | MultipartCompletion): Promise<UploadResult | PendingUpload>;
  /** Import circle: recovery/ and multipart/ load later, and are imported back only as the types of what loads. */
  loadRecovery(): Promise<typeof import('./recovery/index.ts')>;
  /** The files that are being uploaded. A file outside of it holds a handle and nothing else. */
  readonly filePool: Pool;
  /** The same for files in parts, each of which can use all connections. */
  readonly multipartPool: Pool;
  readonly hashPool: Pool;
  /** The requests to one host of the storage, over all files. */
  connections(host: string): Pool;
  /** For tests. */
  readonly onTransition?: ((step: Step, outcome: Outcome) => void) | undefined;

  // What follows changes while the client lives. Modules that are loaded later keep here what belongs to the client.

  /** Undefined: the store of the platform, which replaces it at the first use. */
  resumeStore: ResumeStore | null | undefined;
  /** Files sent so far in one request, to take the hosts in turn. */
  turns: number;
  /** Files that have left the queue and are not completed yet. */
  uncompleted: number;
  /** Set with the first file that is large enough. */
  hashWorkers?: HashWorkers;
  hashBlob?: HashBlob;
  giveBack?: (grant: string) => Promise<unknown>;
  /** By the route's list of hosts: measured speeds are shared by all files. */
  hostChoices?: Map<string, HostChoice>;
}

export interface Route {
  info: RouteInfo;
  /** Asks for a grant, together with other files of the same moment. */
  grant(declaration: FileDeclaration): Promise<GrantedUpload>;
}

/** What is declared of a file. */
export interface DeclaredFile {
  fileName: string;
  contentType: string;
  metadata: unknown;
}

/** Bytes, and the checksum that was declared for them. */
export interface HashedSource {
  source: Source;
  algorithm: ChecksumAlgorithm | null | undefined;
  checksum: string | undefined;
}
