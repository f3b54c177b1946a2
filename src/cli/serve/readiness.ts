/** Can this replica do its work? Its modules are loaded, the ledger and the storage answer, and it was not asked to end. */
import type { Storage } from '../../s3/index.ts';
import type { Ledger, Uploads } from '../../server/index.ts';

export interface Readiness {
  /** Names what does not answer; empty when all does. */
  missing(): Promise<string[]>;
  /** From now on it is not ready. */
  leave(): void;
}

const rememberedMs = 3000;
/** More than the check takes at most. */
const timeoutMs = 6000;
/** A check that found something is made again after this long; one that found nothing holds. */
const checkedAgainMs = 30_000;

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
  let leaving = false;
  let asked: { at: number; answer: Promise<string[]> } | undefined;

  let checked: { at: number; ok: boolean } | undefined;

  /** The whole check until it finds nothing, then whether the storage answers. */
  async function askStorage(): Promise<void> {
    if (checked?.ok) {
      await storage.ready();
      // Not a HEAD, to which a missing bucket looks like a missing object.
      await storage.list({ prefix: uploads.config.stagingPrefix, maxKeys: 1 });
      return;
    }
    if (!checked || now() - checked.at > checkedAgainMs) {
      const { ok } = await uploads.check();
      checked = { at: now(), ok };
    }
    if (!checked.ok) throw new Error('The storage does not pass the check.');
  }

  async function ask(): Promise<string[]> {
    const checks: [string, () => Promise<unknown>][] = [
      ['modules', () => uploads.preload()],
      ['storage', askStorage],
      ...(ledger ? [['ledger', () => ledger.ping()] as [string, () => Promise<unknown>]] : []),
    ];
    const results = await Promise.all(
      checks.map(([name, check]) =>
        within(check()).then(
          () => [],
          () => [name],
        ),
      ),
    );
    return results.flat();
  }

  return {
    async missing() {
      if (leaving) return ['shutting down'];
      if (!asked || now() - asked.at > rememberedMs) asked = { at: now(), answer: ask() };
      return asked.answer;
    },
    leave() {
      leaving = true;
    },
  };
}

async function within(work: Promise<unknown>): Promise<void> {
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
