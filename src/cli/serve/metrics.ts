/**
 * Metrics for Prometheus. Labels are routes, outcomes and codes, but not owners, keys or names, which are unlimited.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Storage } from '../../s3/index.ts';
import type { Ledger, SweepReport, UploadsEvent } from '../../server/index.ts';
import { instrumentStorage } from '../../server/internal.ts';

export interface Metrics {
  onEvent(event: UploadsEvent): void;
  onSweep(report: SweepReport): void;
  onDelivery(outcome: string): void;
  /** Measures the calls to the storage. */
  wrapStorage(storage: Storage): Storage;
  /** Adds the counts of the ledger, which are read on request, at most every ten seconds. */
  watchLedger(ledger: Ledger | undefined): void;
  read(): Promise<{ contentType: string; text: string }>;
}

const seconds = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const ledgerIntervalMs = 10_000;

export function createMetrics(now: () => number = performance.now.bind(performance)): Metrics {
  const registers = [new Registry()];
  const registry = registers[0] as Registry;
  collectDefaultMetrics({ register: registry });
  const meters = createMeters(registers);
  const { storageSeconds, webhooks, sweeps, swept, lastSweep, states, parked, waiting, lag, outbox } = meters;
  const handlers = createEventHandlers(meters);
  let ledger: Ledger | undefined;
  let readAt = Number.NEGATIVE_INFINITY;

  async function readLedger(): Promise<void> {
    if (!ledger || now() - readAt < ledgerIntervalMs) return;
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
    onEvent: (event) => (handlers[event.type] as ((event: UploadsEvent) => void) | undefined)?.(event),
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
    wrapStorage(storage) {
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
    watchLedger(given) {
      ledger = given;
    },
    async read() {
      // The other metrics are served even when the ledger does not answer.
      await readLedger().catch(() => {});
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

function createMeters(registers: Registry[]) {
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name: `waybill_${name}`, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name: `waybill_${name}`, help, labelNames, registers });
  const histogram = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Histogram({ name: `waybill_${name}`, help, labelNames, registers, buckets: seconds });

  const grants = counter('grants_total', 'Grants.', ['route', 'transfer']);
  const ended = counter('uploads_ended_total', 'Ended uploads by outcome.', ['route', 'outcome']);
  const rejected = counter('rejections_total', 'Uploads rejected after they arrived, by code.', ['route', 'code']);
  const bytes = counter('stored_bytes_total', 'Bytes of completed files.', ['route']);
  const completion = histogram('completion_seconds', 'Duration of completions.', ['route']);
  const callbacks = counter('callback_failures_total', 'Callbacks that threw.', ['route', 'callback']);
  const requests = histogram('request_seconds', 'Duration of requests.', ['operation', 'status']);
  const storageSeconds = histogram('storage_seconds', 'Duration of calls to the storage.', ['operation', 'outcome']);
  const failures = counter('request_failures_total', 'Errors that were answered, by code.', ['operation', 'code']);
  const events = counter('storage_events_total', 'Storage events by outcome.', ['outcome']);
  const webhooks = counter('webhook_deliveries_total', 'Deliveries of webhooks by outcome.', ['outcome']);
  const sweeps = counter('sweeps_total', 'Sweeps of this replica.');
  const swept = counter('swept_total', 'Uploads and objects that sweeps have handled, by outcome.', ['outcome']);
  const lastSweep = gauge('sweep_last_timestamp_seconds', 'Time at which the last sweep of this replica ended.');
  const states = gauge('uploads', 'Uploads on record, by state.', ['state']);
  const parked = gauge('callbacks_parked', 'Parked callbacks, which wait for an operator.');
  const waiting = gauge('callbacks_waiting', 'Failed callbacks that will run again.');
  const lag = gauge('callback_lag_seconds', 'Age of the oldest upload whose callback has not run.');
  const outbox = gauge('webhooks', 'Undelivered webhooks by state.', ['state']);

  return {
    grants,
    ended,
    rejected,
    bytes,
    completion,
    callbacks,
    requests,
    storageSeconds,
    failures,
    events,
    webhooks,
    sweeps,
    swept,
    lastSweep,
    states,
    parked,
    waiting,
    lag,
    outbox,
  };
}

type Meters = ReturnType<typeof createMeters>;

type EventHandlers = { [Name in UploadsEvent['type']]?: (event: Extract<UploadsEvent, { type: Name }>) => void };

function createEventHandlers(meters: Meters): EventHandlers {
  const { grants, ended, rejected, bytes, completion, callbacks, requests, failures, events } = meters;
  return {
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
}
