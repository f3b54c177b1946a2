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
  /** The files that are being uploaded. A file that waits for a place costs no more memory than its handle. */
  readonly filePool: Pool;
  /** The files that are being uploaded in parts. Each of them can use all connections, so only a few run at once. */
  readonly multipartPool: Pool;
  readonly hashPool: Pool;
  /** The connections to one host of the storage, which all files share. */
  connections(host: string): Pool;
  /** For tests. */
  readonly onTransition?: ((step: Step, outcome: Outcome) => void) | undefined;

  // What follows changes while the client lives. Modules that are loaded later keep here what belongs to the client.

  /** Undefined until the first use, which sets it to the default store of the platform. Null for no store. */
  resumeStore: ResumeStore | null | undefined;
  /** How many files were sent in one request so far: used to send them to the hosts in turn. */
  turns: number;
  /** Files whose bytes were sent, and whose completion the client waits for. */
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
  /** Asks for a grant, in one request with other files that ask at the same time. */
  grant(declaration: FileDeclaration): Promise<GrantedUpload>;
}

/** The facts about a file that are declared to the server. */
export interface DeclaredFile {
  fileName: string;
  contentType: string;
  metadata: unknown;
}

/** A source, and the checksum that was declared for its bytes. */
export interface HashedSource {
  source: Source;
  algorithm: ChecksumAlgorithm | null | undefined;
  checksum: string | undefined;
}
