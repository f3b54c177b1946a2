/** hashing: reads a file in a page and hashes its parts, and measures how long the page is blocked. */
import { median, ratioOf, rowsOf, takeTurns } from '../harness/rounds.mjs';
import { atLeast, atMost } from '../harness/targets.mjs';
import { startBench, startEnvironment } from '../harness/transfer.mjs';

export const about =
  'A file of 512 MiB on the disk, read and digested (SHA-256) in parts of 8 MiB in Chromium. The gap is the longest time for which the page could not answer.';
export const peers = [];

const MiB = 2 ** 20;
const floor = 'floor: read only';
const contenders = [
  { name: floor, way: 'read' },
  { name: 'waybill', way: 'waybill' },
  { name: 'WebCrypto in the page', way: 'here' },
  { name: 'WebCrypto in the page, two overlapped', way: 'overlapped' },
];

export async function run({ rounds, quick }) {
  const bench = await startBench();
  try {
    const file = await bench.samples.large((quick ? 64 : 512) * MiB);
    const environment = await startEnvironment(bench, { store: 'bare', peers: false });
    const gaps = new Map(contenders.map(({ name }) => [name, []]));
    const turns = contenders.map(({ name, way }) => ({
      name,
      async turn() {
        const page = await environment.open('prepare-page');
        try {
          await page.pick([file]);
          const options = JSON.stringify({ way, partBytes: 8 * MiB });
          const { bytesPerSecond, longestGapMs } = await page.evaluate(`globalThis.go(${options})`, 120_000);
          gaps.get(name).push(longestGapMs);
          return bytesPerSecond / 1e6;
        } finally {
          await page.close();
        }
      },
    }));
    // From here on the file is in the page cache.
    await takeTurns(turns.slice(0, 1), 1);
    gaps.get(floor).length = 0;
    const figures = await takeTurns(turns, quick ? 1 : rounds);
    return {
      rows: [
        ...rowsOf(figures, { unit: 'MB/s', floor }),
        ...rowsOf(
          new Map([...gaps].map(([name, all]) => [`${name}, longest gap`, all.map((ms) => Math.max(ms, 0.1))])),
          {
            unit: 'ms',
            floor: `${floor}, longest gap`,
          },
        ),
      ],
      targets: [
        atLeast('hashing / floor', 0.75, ratioOf(figures, 'waybill', floor)),
        atMost('longest gap, ms', 16, median(gaps.get('waybill'))),
      ],
    };
  } finally {
    await bench.stop();
  }
}
