/** What the runner's page does: sends what it was given, tells how each ended, shows what other tabs send. */
import { browserResumeStore } from '../../src/client/browser/resume-store.ts';
import { createClient } from '../../src/client/index.ts';
import type { Client, Upload, UploadSnapshot } from '../../src/client/types.ts';
import type { FilePlan } from './scenario.ts';

export interface Ended {
  name: string;
  status: UploadSnapshot['status'];
  code: string | null;
  message: string | null;
  uploadId: string | null;
  key: string | null;
}

export interface Line extends Pick<UploadSnapshot, 'status' | 'waiting' | 'loaded' | 'transfer'> {
  name: string;
}

export interface WeatherPage {
  open(options: { endpoint: string; concurrency: number; random: number }): void;
  /** Goes on with what an earlier page began, and begins the rest. */
  send(plans: readonly FilePlan[]): Promise<void>;
  /** Goes on only, as another tab would that finds something unfinished. */
  follow(): Promise<Ended[]>;
  lines(): Line[];
  pause(): void;
  resume(): void;
  abort(name: string): void;
  /** What the page still remembers. */
  remembered(): Promise<{ uploadId: string; fileName: string }[]>;
}

declare global {
  interface Window {
    weather: WeatherPage;
    /** The runner's: survives the page. */
    ended(result: Ended): Promise<void>;
  }
}

const uploads = new Map<string, Upload>();
let client: Client;

const file = (name: string): File => {
  const found = [...(document.querySelector('input')?.files ?? [])].find((candidate) => candidate.name === name);
  if (!found) throw new Error(`${name} was not picked`);
  return found;
};

async function end(name: string, upload: Upload): Promise<Ended> {
  await upload.done.catch(() => {});
  const { status, error, file } = upload.getSnapshot();
  const { code = null, message = null } = error ?? {};
  return { name, status, code, message, uploadId: file?.uploadId ?? null, key: file?.key ?? null };
}

export const weather: WeatherPage = {
  open({ random, ...options }) {
    // Short pauses: how long they are is proven elsewhere.
    client = createClient({ ...options, random: () => random, stallTimeoutMs: 20_000 });
  },
  async send(plans) {
    const begun = await client.resumable();
    for (const { name, kind, route } of plans) {
      const known = kind === 'file' && begun.find(({ fileName }) => fileName === name);
      const options = { fileName: name, contentType: 'text/plain' };
      const upload = known
        ? known.resume(file(name))
        : client.upload(route, kind === 'stream' ? file(name).stream() : file(name), options);
      uploads.set(name, upload);
      void end(name, upload).then(window.ended);
    }
  },
  async follow() {
    // A tab that has lost its code to the weather leaves all to the others.
    const begun = await client.resumable().catch((error) => {
      if (error.code !== 'network_error') throw error;
      return [];
    });
    return Promise.all(begun.map((entry) => end(entry.fileName, entry.resume(file(entry.fileName)))));
  },
  lines: () =>
    [...uploads].map(([name, upload]) => {
      const { status, waiting, loaded, transfer } = upload.getSnapshot();
      return { name, status, waiting, loaded, transfer };
    }),
  pause: () => client.pause(),
  resume: () => client.resume(),
  abort: (name) => uploads.get(name)?.abort(),
  remembered: () => browserResumeStore().list(),
};
