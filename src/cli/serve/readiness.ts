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
const timeoutMs = 5000;
/** Never written: whether it is there does not matter, only whether the storage answers. */
const probeKey = '.waybill/ready';

export function createReadiness(
  {
    storage,
    ledger,
    uploads,
  }: { storage: Storage; ledger: Ledger | undefined; uploads: Pick<Uploads, 'config' | 'preload'> },
  now: () => number = performance.now.bind(performance),
): Readiness {
  let leaving = false;
  let asked: { at: number; answer: Promise<string[]> } | undefined;

  async function ask(): Promise<string[]> {
    const checks: [string, () => Promise<unknown>][] = [
      ['modules', () => uploads.preload()],
      [
        'storage',
        async () => {
          await storage.ready();
          await storage.head(uploads.config.stagingPrefix + probeKey);
        },
      ],
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
