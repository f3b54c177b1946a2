/** The cost of an upload for the page: the heap of its threads, and the longest time for which it could not respond. */
import { median } from '../harness/rounds.mjs';
import { atMost } from '../harness/targets.mjs';
import { startBench, startEnvironment } from '../harness/transfer.mjs';

const [MiB, GiB] = [2 ** 20, 2 ** 30];
const MB = 1e6;

export async function measurePage({ rounds, quick, note }) {
  const bench = await startBench();
  try {
    const environment = await startEnvironment(bench, { store: 'bare', peers: false });
    const sizes = quick ? [128 * MiB, 512 * MiB] : [512 * MiB, 8 * GiB];
    const files = [];
    for (const size of sizes) files.push(await bench.samples.large(size, { sparse: true }));
    const turns = sizes.map(() => []);
    for (let round = 0; round < rounds; round++)
      for (const [index, file] of files.entries()) {
        const turn = await uploadOnce(environment, file);
        note(
          `${sizes[index] / MiB} MiB: heap ${Math.round(turn.heap / MB)} MB, gap ${Math.round(turn.gapMs)} ms, ${turn.seconds.toFixed(1)} s`,
        );
        turns[index].push(turn);
      }
    const heaps = turns.map((all) => median(all.map(({ heap }) => heap)) / MB);
    const gaps = turns.map((all) => median(all.map(({ gapMs }) => gapMs)));
    return {
      rows: sizes.flatMap((size, index) => [
        { contender: `page, ${size / MiB} MiB: heap`, value: heaps[index], unit: 'MB', ratio: heaps[index] / heaps[0] },
        {
          contender: `page, ${size / MiB} MiB: longest gap`,
          value: gaps[index],
          unit: 'ms',
          ratio: gaps[index] / gaps[0],
        },
      ]),
      targets: [
        atMost('page: heap for the large file / for the small', 1.2, heaps[1] / heaps[0]),
        atMost('page: heap, MB', 150, Math.max(...heaps)),
        atMost('page: longest gap, ms', 50, Math.max(...gaps)),
      ],
    };
  } finally {
    await bench.stop();
  }
}

async function uploadOnce(environment, file) {
  const page = await environment.open('waybill-page');
  try {
    await page.pick([file]);
    let heap = 0;
    let ended = false;
    const upload = page.evaluate('globalThis.go({ gaps: true })', 300_000).finally(() => {
      ended = true;
    });
    upload.catch(() => {});
    while (!ended) {
      heap = Math.max(heap, await page.heap());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { seconds, completed, longestGapMs } = await upload;
    if (completed !== 1) throw new Error('it was not completed');
    return { heap, seconds, gapMs: longestGapMs };
  } finally {
    await page.close();
  }
}
