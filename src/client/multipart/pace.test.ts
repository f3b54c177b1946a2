import { describe, expect, it } from 'vitest';
import { createPace, type SendingPart } from './pace.ts';

const MB = 1_000_000;

interface Line {
  /** Bytes a second of one connection alone. */
  each: number;
  /** Bytes a second of all connections together. */
  together: number;
}

interface Arrival {
  /** When its last attempt began and when it ended, in seconds. */
  began: number;
  ended: number;
}

/** Sends parts over a line in virtual time, in steps of 0.1 s, as `sendParts` does with six connections. */
async function sendOver({ each, together }: Line, parts: number, partBytes: number) {
  const connections = 6;
  let time = 0;
  const slow: number[] = [];
  const arrivals: Arrival[] = [];
  const underWay = new Map<SendingPart, { began: number; stopped: boolean }>();
  let most = 0;
  let left = parts;
  const pace = createPace(
    () => time * 1000,
    (bytes, ms) => slow.push((bytes / ms) * 1000),
  );

  async function work(): Promise<void> {
    await pace.waitForTurn();
    if (left === 0) {
      pace.returnTurn();
      return;
    }
    left -= 1;
    const state = { began: time, stopped: false };
    const sending: SendingPart = {
      size: partBytes,
      loaded: 0,
      stop() {
        state.stopped = true;
      },
    };
    underWay.set(sending, state);
    pace.begin(sending);
  }

  for (let worker = 0; worker < connections; worker += 1) void work();
  for (let step = 0; arrivals.length < parts; step += 1) {
    if (step > 100_000) throw new Error('The parts never arrived.');
    await Promise.resolve();
    time += 0.1;
    most = Math.max(most, underWay.size);
    const speed = Math.min(each, together / Math.max(1, underWay.size));
    for (const [sending, { began }] of [...underWay]) {
      pace.progress(sending, Math.min(partBytes, sending.loaded + speed / 10));
      if (sending.loaded < partBytes) continue;
      underWay.delete(sending);
      pace.end(sending);
      arrivals.push({ began, ended: time });
      void work();
    }
    for (const [sending, { stopped }] of [...underWay]) {
      if (!stopped) continue;
      underWay.delete(sending);
      pace.end(sending);
      left += 1;
      void work();
    }
    await Promise.resolve();
  }
  return { arrivals, seconds: time, slow, most };
}

const partBytes = 5 * 1024 * 1024;

describe('createPace()', () => {
  it('keeps all connections on a fast line', async () => {
    const { slow, seconds } = await sendOver({ each: 12.5 * MB, together: 75 * MB }, 30, 16 * MB);
    expect(slow).toEqual([]);
    expect(seconds).toBeLessThan(((30 * 16) / 75) * 1.15);
  });

  it.each([
    ['0.5 MB/s', 0.5],
    ['1 MB/s', 1],
    ['2 MB/s', 2],
  ])('lets parts arrive one after another on a shared line of %s', async (_, together) => {
    const line = { each: together * MB, together: together * MB };
    const { arrivals, seconds } = await sendOver(line, 8, partBytes);
    const longest = Math.max(...arrivals.map(({ began, ended }) => ended - began));
    expect(longest).toBeLessThan(14);
    expect(arrivals[0]?.ended).toBeLessThan(14);
    // Little is sent again.
    expect(seconds).toBeLessThan(((8 * partBytes) / (together * MB)) * 1.2);
  });

  it('uses all connections where each of them is slow by itself', async () => {
    const line = { each: 0.2 * MB, together: 1.2 * MB };
    const { seconds } = await sendOver(line, 24, partBytes);
    expect(seconds).toBeLessThan(((24 * partBytes) / line.together) * 1.2);
  });

  it('calls onSlow with the speed of one connection when parts take too long', async () => {
    const { slow } = await sendOver({ each: 0.5 * MB, together: 3 * MB }, 12, 16 * MB);
    expect(slow[0]).toBeGreaterThan(0.4 * MB);
    expect(slow[0]).toBeLessThan(0.6 * MB);
  });
});
