/** Generates every transition of the table, for uploads in one request and in parts. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compositeOf, createFakeParts, type FakeParts } from '../../test/support/fake-parts.ts';
import {
  answerWell,
  createManualTransport,
  type HeldRequest,
  type ManualTransport,
  wireError,
} from '../../test/support/manual-transport.ts';
import { createMemoryResumeStore } from '../../test/support/memory-resume-store.ts';
import { createClientOn } from './client.ts';
import { type Outcome, runSteps, type Step, stepTransitions } from './steps.ts';
import type { Client, ClientOptions, Upload, UploadResult } from './types.ts';

const table = Object.entries(stepTransitions).flatMap(([step, outcomes]) =>
  Object.keys(outcomes).map((outcome) => `${step} ${outcome}`),
);
const nextOf = (step: Step, outcome: Outcome) =>
  (stepTransitions[step] as Partial<Record<Outcome, Step | 'end'>>)[outcome];

let seen: string[];
beforeEach(() => {
  seen = [];
});

function clientOn(options: ClientOptions & Required<Pick<ClientOptions, 'transport'>>): Client {
  return createClientOn({ random: () => 0, ...options }, (step, outcome) => seen.push(`${step} ${outcome}`));
}

/** Each step is the one that the table names after the step before. */
afterEach(() => {
  seen.forEach((transition, index) => {
    const [step, outcome] = transition.split(' ') as [Step, Outcome];
    const next = nextOf(step, outcome);
    const follower = seen[index + 1]?.split(' ')[0];
    expect(table).toContain(transition);
    // A pause, or a new attempt of the user, begins with `load` again.
    if (follower !== undefined && follower !== 'load') expect(follower).toBe(next);
  });
});

describe('runSteps()', () => {
  const walk = fc.infiniteStream(fc.nat(100));

  it('follows the table from `load` to `end`, for any sequence of outcomes and failures', async () => {
    await fc.assert(
      fc.asyncProperty(walk, async (choices) => {
        const result = {} as UploadResult;
        const steps: Step[] = [];
        const outcomes: Outcome[] = [];
        const choose = (step: Step): Outcome => {
          const possible = Object.keys(stepTransitions[step]) as Outcome[];
          return possible[choices.next().value % possible.length] as Outcome;
        };
        const run = { signal: new AbortController().signal, report() {}, freePlace() {}, result };
        const returned = await runSteps(
          run,
          {
            async perform(step) {
              steps.push(step);
              if (choices.next().value % 3 === 0) throw new Error('The step failed.');
              return choose(step);
            },
            recover: async (step) => choose(step),
          },
          (_, outcome) => outcomes.push(outcome),
        );
        expect(returned).toBe(result);
        expect(steps[0]).toBe('load');
        const followers = steps.map((step, index) => nextOf(step, outcomes[index] as Outcome));
        expect(followers).toEqual([...steps.slice(1), 'end']);
      }),
    );
  });

  it('ends with the reason of the signal after an abort', async () => {
    const controller = new AbortController();
    const run = { signal: controller.signal, report() {}, freePlace() {} };
    const perform = async (): Promise<Outcome> => {
      controller.abort(new Error('stopped'));
      throw new Error('The step failed.');
    };
    const recover = () => Promise.reject(new Error('not called'));
    await expect(runSteps(run, { perform, recover })).rejects.toThrow('stopped');
  });
});

/** Pauses the upload at this moment, and resumes it when the run has ended. */
async function pauseAndResume(upload: Upload): Promise<void> {
  upload.pause();
  await new Promise((resolve) => setImmediate(resolve));
  upload.resume();
}

describe('an upload in one request', () => {
  type Call = 'route' | 'grant' | 'send' | 'complete' | 'abort';
  type Fault = (incoming: HeldRequest, upload: Upload) => void;

  function callOf({ method, url }: HeldRequest['request']): Call {
    if (method === 'PUT') return 'send';
    if (url.includes('/routes/')) return 'route';
    return url.endsWith('/complete') ? 'complete' : url.endsWith('/abort') ? 'abort' : 'grant';
  }

  const refuse =
    (status: number, body: unknown): Fault =>
    ({ answer }) =>
      answer(status, body);
  const fail: Fault = ({ fail }) => fail();
  const notReady = refuse(409, { ...wireError('object_not_ready', true) });

  /** What the first calls get instead of a good answer, and whether the user has to retry. */
  const scenarios: Record<string, { faults: Partial<Record<Call, Fault>>; retries?: number }> = {
    'load new': { faults: {} },
    'load granted': { faults: { send: (_, upload) => void pauseAndResume(upload) } },
    'load stored': { faults: { complete: refuse(503, wireError('callback_failed', true)) }, retries: 0 },
    'load retry': { faults: { route: refuse(502, 'Bad Gateway') } },
    'begin granted': { faults: {} },
    'begin retry': { faults: { grant: fail } },
    'send stored': { faults: {} },
    'send unanswered': { faults: { send: fail } },
    'send retry': { faults: { send: refuse(503, '<Code>SlowDown</Code>') } },
    'send renew': { faults: { send: refuse(403, '<Code>AccessDenied</Code>') } },
    'complete completed': { faults: {} },
    'complete missing': { faults: { send: fail, complete: notReady } },
    'complete retry': { faults: { complete: refuse(503, wireError('callback_failed', true)) } },
    'complete renew': { faults: { complete: refuse(410, wireError('upload_expired')) } },
  };

  it('has a scenario for every transition of the table', () => {
    expect(Object.keys(scenarios).sort()).toEqual([...table].sort());
  });

  it.each(Object.entries(scenarios))('goes through `%s` and is completed', async (transition, { faults, retries }) => {
    const manual: ManualTransport = createManualTransport();
    const left = { ...faults };
    const client = clientOn({ endpoint: '/uploads', transport: manual.transport, ...(retries === 0 && { retries }) });
    const upload = client.upload('files', new File(['hello'], 'a.txt', { type: 'text/plain' }));
    manual.serve((incoming) => {
      const call = callOf(incoming.request);
      const fault = left[call];
      delete left[call];
      if (fault) fault(incoming, upload);
      else answerWell(incoming);
    });
    if (retries === 0) {
      await expect(upload.done).rejects.toMatchObject({ code: 'callback_failed' });
      upload.retry();
    }
    await upload.done;
    expect(left).toEqual({});
    expect(seen).toContain(transition);
    expect(seen.at(-1)).toBe('complete completed');
  });
});

describe('an upload in parts', () => {
  const bytes = Uint8Array.from({ length: 95 }, (_, i) => (i * 7) & 255);
  const file = {
    size: bytes.length,
    fileName: 'a.txt',
    fingerprint: 'a',
    read: async (start: number, end: number) => bytes.slice(start, end),
  };
  let fake: FakeParts;
  let entries: ReturnType<typeof createMemoryResumeStore>['entries'];
  beforeEach(() => {
    fake = createFakeParts();
    ({ entries } = createMemoryResumeStore());
  });

  const start = (retries = 6) =>
    clientOn({
      endpoint: '/uploads',
      transport: fake.transport,
      retries,
      resumeStore: createMemoryResumeStore(entries),
    }).upload('files', file, { contentType: 'text/plain' });

  /** Calls `act` once, before the first request to this path of the server or, without a path, to the storage. */
  function once<T>(path: string | null, mood: T, act: () => void = () => {}): void {
    let done = false;
    const take = (at: string | null) => {
      if (done || at !== path) return false;
      done = true;
      act();
      return true;
    };
    if (path === null) fake.atStorage = () => (take(null) ? (mood as 'ok') : 'ok');
    else fake.atServer = (at) => (take(at) ? (mood as 'ok') : 'ok');
  }

  /** An upload that another page began and did not finish. */
  async function beginElsewhere(): Promise<void> {
    const upload = start();
    once(null, '503', () => upload.pause());
    while (!entries.size || upload.getSnapshot().status !== 'paused')
      await new Promise((resolve) => setImmediate(resolve));
    fake.atStorage = () => 'ok';
    seen.length = 0;
  }

  const endFirstUpload = () => {
    for (const upload of fake.uploads.values()) upload.state = 'gone';
  };

  const scenarios: Record<string, () => Promise<Upload> | Upload> = {
    'load new': () => start(),
    'load granted': async () => {
      await beginElsewhere();
      return start();
    },
    'load stored': async () => {
      await beginElsewhere();
      // The other page has sent the rest, and its tab was closed before it read the answer.
      const [upload] = fake.uploads.values();
      if (upload) Object.assign(upload, { state: 'completed', composite: compositeOf(bytes) });
      return start();
    },
    'load retry': () => {
      once('/routes/files', '502');
      return start();
    },
    'begin granted': () => start(),
    'begin retry': () => {
      once('', '502');
      return start();
    },
    'send stored': () => start(),
    'send retry': () => {
      once('before /parts', 'lost before');
      return start();
    },
    'send renew': () => {
      once(null, 'gone');
      return start();
    },
    'complete completed': () => start(),
    'complete missing': () => {
      once('/complete', 'unready');
      return start();
    },
    'complete retry': () => {
      once('/complete', 'callback_failed');
      return start();
    },
    'complete renew': () => {
      once('/complete', 'ok', endFirstUpload);
      return start();
    },
  };

  it('has a scenario for every transition of the table but `send unanswered`', () => {
    expect(Object.keys(scenarios).sort()).toEqual(
      table.filter((transition) => transition !== 'send unanswered').sort(),
    );
  });

  it.each(Object.entries(scenarios))('goes through `%s` and is completed', async (transition, begin) => {
    const upload = await begin();
    const { file } = await upload.done;
    expect(file.checksum?.value).toBe(compositeOf(bytes));
    expect(seen).toContain(transition);
    expect(seen.at(-1)).toBe('complete completed');
    expect(entries.size).toBe(0);
  });
});
