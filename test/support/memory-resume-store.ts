/** A resume store in memory. Two stores that share `entries` and `locks` behave as two tabs of one browser. */
import type { ResumeEntry, ResumeProgress, ResumeStore } from '../../src/client/types.ts';

export interface MemoryResumeStore extends ResumeStore {
  readonly entries: Map<string, ResumeEntry>;
  readonly announced: ResumeProgress[];
}

export function createMemoryResumeStore(
  entries = new Map<string, ResumeEntry>(),
  locks = new Set<string>(),
): MemoryResumeStore {
  const announced: ResumeProgress[] = [];
  return {
    entries,
    announced,
    list: async () => [...entries.values()],
    get: async (fingerprint) => entries.get(fingerprint),
    set: async (entry) => void entries.set(entry.fingerprint, structuredClone(entry)),
    delete: async (fingerprint) => void entries.delete(fingerprint),
    async exclusively(fingerprint, work) {
      if (locks.has(fingerprint)) return undefined;
      locks.add(fingerprint);
      try {
        return await work();
      } finally {
        locks.delete(fingerprint);
      }
    },
    announce: (progress) => void announced.push(progress),
  };
}
