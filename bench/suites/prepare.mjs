/** prepare: resizes photos in a page, and measures how long the page is blocked. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { median, rowsOf, takeTurns } from '../harness/rounds.mjs';
import { atMost } from '../harness/targets.mjs';
import { startBench, startEnvironment } from '../harness/transfer.mjs';

export const about =
  'Photos of 12 megapixels (20 files on the disk) made smaller in Chromium, to JPEG of 2048 x 1536 pixels, two at a time. The gap is the longest time for which the page could not answer.';
export const peers = [];

const floor = 'floor: one step in the page';
const contenders = [
  { name: floor, way: 'here' },
  { name: 'waybill, in workers', way: 'waybill' },
  { name: 'waybill, without workers', way: 'waybillHere' },
];

export async function run({ rounds, quick, note }) {
  const bench = await startBench();
  try {
    const environment = await startEnvironment(bench, { store: 'bare', peers: false });
    const photos = await makePhotos(environment, bench.samples.dir, quick ? 4 : 20, note);
    const gaps = new Map(contenders.map(({ name }) => [name, []]));
    const turns = contenders.map(({ name, way }) => ({
      name,
      async turn() {
        const page = await environment.open('images-page');
        try {
          await page.pick(photos);
          const { seconds, longestGapMs, sizes } = await page.evaluate(`globalThis.go({ way: '${way}' })`, 300_000);
          const right = sizes.filter((size) => size === 'image/jpeg 2048 x 1536');
          if (right.length !== photos.length) throw new Error(`${name} made other images: ${sizes.join(', ')}`);
          gaps.get(name).push(Math.max(longestGapMs, 0.1));
          return (seconds / photos.length) * 1000;
        } finally {
          await page.close();
        }
      },
    }));
    const figures = await takeTurns(turns, quick ? 1 : rounds);
    const named = (all, what) => new Map([...all].map(([name, values]) => [`${name}, ${what}`, values]));
    const rows = (all, what) => rowsOf(named(all, what), { unit: 'ms', floor: `${floor}, ${what}` });
    return {
      rows: [...rows(figures, 'per photo'), ...rows(gaps, 'longest gap')],
      targets: [atMost('longest gap in workers, ms', 50, median(gaps.get('waybill, in workers')))],
    };
  } finally {
    await bench.stop();
  }
}

/** @returns {Promise<string[]>} paths of equal photos */
async function makePhotos(environment, dir, count, note) {
  const page = await environment.open('images-page');
  try {
    const photo = Buffer.from(await page.evaluate('globalThis.makePhoto(4000, 3000)', 60_000), 'base64');
    note(`each photo has ${(photo.length / 1e6).toFixed(1)} MB`);
    const paths = Array.from({ length: count }, (_, index) => join(dir, `camera-${index}.jpg`));
    for (const path of paths) await writeFile(path, photo);
    return paths;
  } finally {
    await page.close();
  }
}
