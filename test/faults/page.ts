/** The script of the test page: uploads the given files, reports each result, and resumes uploads in a second tab. */
import { browserResumeStore } from '../../src/client/browser/resume-store.ts';
import { createClient } from '../../src/client/index.ts';
import type { Client, Upload, UploadSnapshot } from '../../src/client/types.ts';
import type { FilePlan } from './scenario.ts';

export interface UploadResult {
  name: string;
  status: UploadSnapshot['status'];
  code: string | null;
  message: string | null;
  uploadId: string | null;
  key: string | null;
}

export interface UploadStatus extends Pick<UploadSnapshot, 'status' | 'waiting' | 'loaded' | 'transfer'> {
  name: string;
}

export interface TestPage {
  open(options: { endpoint: string; concurrency: number; random: number }): void;
  /** Resumes what an earlier page began and starts the other uploads. */
  send(plans: readonly FilePlan[]): Promise<void>;
  /** Resumes every unfinished upload, as a second tab does, and starts none. */
  resumeAll(): Promise<UploadResult[]>;
  statuses(): UploadStatus[];
  pause(): void;
  resume(): void;
  abort(name: string): void;
  resumeEntries(): Promise<{ uploadId: string; fileName: string }[]>;
}

declare global {
  interface Window {
    testPage: TestPage;
    /** Defined by the runner on every page of the context. */
    reportResult(result: UploadResult): Promise<void>;
  }
}

const uploads = new Map<string, Upload>();
let client: Client;

const pickedFile = (name: string): File => {
  const found = [...(document.querySelector('input')?.files ?? [])].find((candidate) => candidate.name === name);
  if (!found) throw new Error(`${name} was not picked`);
  return found;
};

async function waitForResult(name: string, upload: Upload): Promise<UploadResult> {
  await upload.done.catch(() => {});
  const { status, error, file } = upload.getSnapshot();
  const { code = null, message = null } = error ?? {};
  return { name, status, code, message, uploadId: file?.uploadId ?? null, key: file?.key ?? null };
}

export const testPage: TestPage = {
  open({ random, ...options }) {
    // Short pauses between retries. Other tests prove their length.
    client = createClient({ ...options, random: () => random, stallTimeoutMs: 20_000 });
  },
  async send(plans) {
    const begun = await client.resumable();
    for (const { name, kind, route } of plans) {
      const known = kind === 'file' && begun.find(({ fileName }) => fileName === name);
      const options = { fileName: name, contentType: 'text/plain' };
      const upload = known
        ? known.resume(pickedFile(name))
        : client.upload(route, kind === 'stream' ? pickedFile(name).stream() : pickedFile(name), options);
      uploads.set(name, upload);
      void waitForResult(name, upload).then(window.reportResult);
    }
  },
  async resumeAll() {
    // A fault may hit a request for the page's own scripts. Such a tab resumes nothing.
    const begun = await client.resumable().catch((error) => {
      if (error.code !== 'network_error') throw error;
      return [];
    });
    return Promise.all(begun.map((entry) => waitForResult(entry.fileName, entry.resume(pickedFile(entry.fileName)))));
  },
  statuses: () =>
    [...uploads].map(([name, upload]) => {
      const { status, waiting, loaded, transfer } = upload.getSnapshot();
      return { name, status, waiting, loaded, transfer };
    }),
  pause: () => client.pause(),
  resume: () => client.resume(),
  abort: (name) => uploads.get(name)?.abort(),
  resumeEntries: () => browserResumeStore().list(),
};
