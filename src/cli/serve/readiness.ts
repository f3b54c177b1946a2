/**
 * Finds out whether this replica can serve: modules are loaded, ledger and storage answer, and it is not shutting down.
 */
import type { Storage } from '../../s3/index.ts';
import type { Ledger, Uploads } from '../../server/index.ts';

export interface Readiness {
  /** @returns the names of the parts that do not answer; empty when the replica is ready */
  missing(): Promise<string[]>;
  /** Makes the replica not ready until it ends. */
  setNotReady(): void;
}

const cachedMs = 3000;
/** Longer than the longest check. */
const timeoutMs = 6000;
/** How long after a failed storage check the next one runs. A passed check is not repeated. */
const recheckMs = 30_000;

export function createReadiness(
  {
    storage,
    ledger,
    uploads,
  }: {
    storage: Storage;
    ledger: Ledger | undefined;
    uploads: Pick<Uploads, 'config' | 'preload' | 'check'>;
  },
  now: () => number = performance.now.bind(performance),
): Readiness {
  let isEnding = false;
  let cached: { at: number; answer: Promise<string[]> } | undefined;
  let checked: { at: number; ok: boolean } | undefined;

  /** Runs the full check until it passes, and then only asks whether the storage answers. */
  async function checkStorage(): Promise<void> {
    if (checked?.ok) {
      await storage.ready();
      // A HEAD request could not tell a missing bucket from a missing object, so objects are listed.
      await storage.list({ prefix: uploads.config.stagingPrefix, maxKeys: 1 });
      return;
    }
    if (!checked || now() - checked.at > recheckMs) {
      const { ok } = await uploads.check();
      checked = { at: now(), ok };
    }
    if (!checked.ok) throw new Error('The storage does not pass its check.');
  }

  async function findMissing(): Promise<string[]> {
    const checks: [string, () => Promise<unknown>][] = [
      ['modules', () => uploads.preload()],
      ['storage', checkStorage],
      ...(ledger ? [['ledger', () => ledger.ping()] as [string, () => Promise<unknown>]] : []),
    ];
    const results = await Promise.all(
      checks.map(([name, check]) =>
        withTimeout(check()).then(
          () => [],
          () => [name],
        ),
      ),
    );
    return results.flat();
  }

  return {
    async missing() {
      if (isEnding) return ['shutting down'];
      if (!cached || now() - cached.at > cachedMs) cached = { at: now(), answer: findMissing() };
      return cached.answer;
    },
    setNotReady() {
      isEnding = true;
    },
  };
}

async function withTimeout(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('late')), timeoutMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
