/** A page with the client, a server and a devstore on three origins, for the suites of all browser engines. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import type { createClient } from '../../src/client/index.ts';
import type { createPut } from '../../src/client/put.ts';
import type { ClientOptions, Upload } from '../../src/client/types.ts';
import { type CorsRule, createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { s3Storage } from '../../src/s3/index.ts';
import { type ClientPage, openClientPage, type Tracked } from '../support/client-page.ts';
import type { Engine, EnginePage } from '../support/engines/engine.ts';

declare global {
  interface Window {
    waybill: { createClient: typeof createClient };
    createPut: typeof createPut;
    track: (upload: Upload) => Promise<Tracked>;
    uploads: Upload[];
  }
}

export interface SeenRequest {
  method: string;
  status: number;
  bytesIn: number;
}

export interface UploadApp {
  readonly devstore: Devstore;
  readonly page: ClientPage;
  /** Holds the files that the tests choose. */
  readonly dir: string;
  /** The requests that the storage has received in this test. */
  readonly seen: SeenRequest[];
  /** Lets pages of every origin send to the storage, or of none. */
  allowPages(isAllowed: boolean): Promise<void>;
  /** Reads the object back and compares it with the bytes of the file. */
  expectStored(upload: Tracked, bytes: Uint8Array): Promise<void>;
}

const credentials = { accessKeyId: 'engines', secretAccessKey: 'engines-engines-engines' };
const openRule: CorsRule = { allowedOrigins: ['*'], allowedMethods: ['GET', 'PUT', 'POST'], allowedHeaders: ['*'] };
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Starts the app for the tests of the current suite. Each test begins without faults, with an open storage. */
export function useUploadApp(): () => UploadApp {
  let app: (UploadApp & { close(): Promise<void> }) | undefined;
  const started = () => {
    if (!app) throw new Error('The app is started in beforeAll.');
    return app;
  };
  beforeAll(async () => {
    app = await startUploadApp();
  });
  beforeEach(async () => {
    started().devstore.setFaults(undefined);
    await started().allowPages(true);
    started().seen.length = 0;
  });
  afterAll(() => app?.close());
  return started;
}

async function startUploadApp(): Promise<UploadApp & { close(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-engines-'));
  const seen: SeenRequest[] = [];
  const devstore = await createDevstore({
    dir: join(dir, 'store'),
    credentials: [credentials],
    buckets: ['bucket'],
    onRequest: (report) => seen.push(report),
  });
  const { url } = await devstore.listen();
  const storage = s3Storage({ bucket: 'bucket', endpoint: url, credentials, capabilities: 'devstore' });
  const page = await openClientPage(storage);
  return {
    devstore,
    page,
    dir,
    seen,
    async allowPages(isAllowed) {
      await devstore.setCors('bucket', isAllowed ? [openRule] : []);
    },
    async expectStored(upload, bytes) {
      expect(upload).toMatchObject({ status: 'done', error: null, file: { size: bytes.length } });
      const found = await storage.get(upload.file?.key ?? '');
      expect(sha256(new Uint8Array(await new Response(found?.body).arrayBuffer()))).toBe(sha256(bytes));
    },
    async close() {
      await page.close();
      await devstore.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Plain text in which all parts differ, so that the content agrees with the declared type. */
export function prose(size: number): Buffer {
  const text = Buffer.alloc(size);
  for (let at = 0; at < size; at += 1_000_000) text.write(randomBytes(500_000).toString('hex'), at);
  return text;
}

/** The server writes small records to the storage as well. */
const minPartBytes = 100_000;

/** The sizes of the PUTs and parts that the storage has accepted from pages in this test. */
export const acceptedPuts = ({ seen }: UploadApp): number[] =>
  seen.flatMap(({ method, status, bytesIn }) =>
    method === 'PUT' && status === 200 && bytesIn >= minPartBytes ? [bytesIn] : [],
  );

export const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);

export const isPart = ({ method, query }: { method: string; query: readonly string[] }): boolean =>
  method === 'PUT' && query.includes('partNumber');

/**
 * Lets two parts through, and holds the others until the test removes the fault. The upload sends one part at a time:
 * `concurrency: 1`.
 */
export const holdPartsAfterTwo = (app: UploadApp): void =>
  app.devstore.setFaults({
    when: (request) => isPart(request) && acceptedPuts(app).length >= 2,
    delayMs: 600_000,
  });

/** Starts the upload of the chosen file as `uploads[0]` of the page, and does not wait. */
export const startUpload = (page: EnginePage, app: UploadApp, options: Partial<ClientOptions> = {}): Promise<void> =>
  page.evaluate(
    ([endpoint, given]) => {
      const file = document.querySelector('input')?.files?.[0] as File;
      window.uploads = [window.waybill.createClient({ endpoint, ...given }).upload('files', file)];
    },
    [app.page.endpoint, options] as const,
  );

export interface UploadPage extends EnginePage {
  /** Writes a file of this size and chooses it. */
  choose(size: number, name: string): Promise<Buffer>;
  /** Uploads the chosen file, and waits until the upload has ended. */
  upload(options?: Partial<ClientOptions>): Promise<Tracked>;
  /** Opens the page again, and waits until the client is loaded. */
  openAgain(): Promise<void>;
}

export async function openUploadPage(engine: Engine, { page: { url, endpoint }, dir }: UploadApp): Promise<UploadPage> {
  const page = await engine.open(url);
  await page.waitFor(() => window.waybill);
  return {
    ...page,
    async choose(size, name) {
      const bytes = prose(size);
      await writeFile(join(dir, name), bytes);
      await page.setFiles('input', join(dir, name));
      return bytes;
    },
    upload: (options = {}) =>
      page.evaluate(
        ([endpoint, given]) => {
          const file = document.querySelector('input')?.files?.[0] as File;
          return window.track(window.waybill.createClient({ endpoint, ...given }).upload('files', file));
        },
        [endpoint, options] as const,
      ),
    async openAgain() {
      await page.reload();
      await page.waitFor(() => window.waybill);
    },
  };
}
