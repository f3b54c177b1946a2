/** What Prometheus reads. Labels are routes, outcomes and codes: never owners, keys or names, of which there is no end. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Storage } from '../../s3/index.ts';
import { instrumentStorage, type Ledger, type SweepReport, type UploadsEvent } from '../../server/index.ts';

export interface Metrics {
  onEvent(event: UploadsEvent): void;
  onSweep(report: SweepReport): void;
  onDelivery(outcome: string): void;
  /** Times what the storage is asked. */
  around(storage: Storage): Storage;
  /** What the ledger knows, read when it is asked for and at most every ten seconds. */
  watch(ledger: Ledger | undefined): void;
  read(): Promise<{ contentType: string; text: string }>;
}

const seconds = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const ledgerEveryMs = 10_000;

export function createMetrics(now: () => number = performance.now.bind(performance)): Metrics {
  const registers = [new Registry()];
  const registry = registers[0] as Registry;
  collectDefaultMetrics({ register: registry });
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name: `waybill_${name}`, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name: `waybill_${name}`, help, labelNames, registers });
  const histogram = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Histogram({ name: `waybill_${name}`, help, labelNames, registers, buckets: seconds });

  const grants = counter('grants_total', 'Permissions signed.', ['route', 'transfer']);
  const ended = counter('uploads_ended_total', 'Uploads by how they ended.', ['route', 'outcome']);
  const rejected = counter('rejections_total', 'Uploads refused after they arrived, by code.', ['route', 'code']);
  const bytes = counter('stored_bytes_total', 'Bytes of completed files.', ['route']);
  const completion = histogram('completion_seconds', 'From the call to the file.', ['route']);
  const callbacks = counter('callback_failures_total', 'Callbacks that threw.', ['route', 'callback']);
  const requests = histogram('request_seconds', 'Requests.', ['operation', 'status']);
  const storageSeconds = histogram('storage_seconds', 'Calls to the storage.', ['operation', 'outcome']);
  const failures = counter('request_failures_total', 'Errors that were answered, by code.', ['operation', 'code']);
  const events = counter('storage_events_total', 'What storages said.', ['outcome']);
  const webhooks = counter('webhook_deliveries_total', 'Deliveries of webhooks.', ['outcome']);
  const sweeps = counter('sweeps_total', 'Sweeps of this replica.');
  const swept = counter('swept_total', 'What sweeps came upon.', ['outcome']);
  const lastSweep = gauge('sweep_last_timestamp_seconds', 'When the last sweep of this replica ended.');
  const states = gauge('uploads', 'Uploads on record, by state.', ['state']);
  const parked = gauge('callbacks_parked', 'Callbacks that wait for an operator.');
  const waiting = gauge('callbacks_waiting', 'Callbacks that threw and are tried again.');
  const lag = gauge('callback_lag_seconds', 'Age of the oldest upload that arrived and is not announced.');
  const outbox = gauge('webhooks', 'Webhooks that are not delivered.', ['state']);

  const react: { [Name in UploadsEvent['type']]?: (event: Extract<UploadsEvent, { type: Name }>) => void } = {
    'upload.granted': ({ route, transfer }) => grants.inc({ route, transfer }),
    'upload.completed': ({ route, size, durationMs }) => {
      ended.inc({ route, outcome: 'completed' });
      bytes.inc({ route }, size ?? 0);
      completion.observe({ route }, durationMs / 1000);
    },
    'upload.rejected': ({ route, code }) => {
      ended.inc({ route, outcome: 'rejected' });
      rejected.inc({ route, code });
    },
    'upload.aborted': ({ route }) => ended.inc({ route, outcome: 'aborted' }),
    'callback.failed': ({ route, callback }) => callbacks.inc({ route, callback }),
    'request.served': ({ operation, status, durationMs }) =>
      requests.observe({ operation, status: String(status) }, durationMs / 1000),
    'request.failed': ({ operation, code }) => failures.inc({ operation, code }),
    'storage.event_refused': () => events.inc({ outcome: 'unauthenticated' }),
    'storage.event': ({ completed, ignored, rejected: refused, failed }) => {
      events.inc({ outcome: 'completed' }, completed);
      events.inc({ outcome: 'ignored' }, ignored);
      events.inc({ outcome: 'rejected' }, refused);
      if (failed) events.inc({ outcome: 'failed' });
    },
  };

  let ledger: Ledger | undefined;
  let readAt = Number.NEGATIVE_INFINITY;

  async function readLedger(): Promise<void> {
    if (!ledger || now() - readAt < ledgerEveryMs) return;
    readAt = now();
    const counts = await ledger.counts();
    for (const [state, count] of Object.entries(counts.states)) states.set({ state }, count);
    parked.set(counts.parkedCallbacks);
    waiting.set(counts.waitingCallbacks);
    lag.set(counts.callbackLagMs / 1000);
    outbox.set({ state: 'pending' }, counts.pendingWebhooks);
    outbox.set({ state: 'parked' }, counts.parkedWebhooks);
  }

  return {
    onEvent: (event) => (react[event.type] as ((event: UploadsEvent) => void) | undefined)?.(event),
    onSweep(report) {
      sweeps.inc();
      lastSweep.setToCurrentTime();
      for (const outcome of [
        'completed',
        'rejected',
        'expired',
        'aborted',
        'callbacksFailed',
        'deleted',
        'failed',
      ] as const)
        swept.inc({ outcome }, report[outcome]);
    },
    onDelivery: (outcome) => webhooks.inc({ outcome }),
    around(storage) {
      return instrumentStorage(storage, async (operation, run) => {
        const from = now();
        let outcome = 'failed';
        try {
          const answer = await run();
          outcome = 'ok';
          return answer;
        } finally {
          storageSeconds.observe({ operation, outcome }, (now() - from) / 1000);
        }
      });
    },
    watch(given) {
      ledger = given;
    },
    async read() {
      // A ledger that does not answer must not take the other numbers along.
      await readLedger().catch(() => {});
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
