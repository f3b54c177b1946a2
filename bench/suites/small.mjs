/** small: 500 photos of 20 KiB with a long round trip. The number of round trips per file decides. */
import { atLeast, atMost } from '../harness/targets.mjs';
import { startBench, startEnvironment } from '../harness/transfer.mjs';
import { takeUploadTurns } from '../harness/transfer-rounds.mjs';

export const about =
  '500 files of 20 KiB from Chromium, 50 ms round trip, 12.5 MB/s a connection. Ours with authorisation, grants, SHA-256 and verified completion in the measured time. To a bare store that checks nothing, and to the devstore. The floors know every URL in advance and hash nothing; peers take every second round.';
export const peers = ['@uppy/core', '@uppy/aws-s3', '@better-upload/client', '@better-upload/server'];

const floor = 'floor: forms, six connections';
const puts = 'floor: PUTs, six connections';
const floorPage = (options) => ({ page: 'floor-page', options });
const contenders = [
  { name: floor, ...floorPage({ way: 'form' }) },
  { name: puts, every: 2, ...floorPage({ way: 'put' }) },
  { name: 'floor: forms, twelve connections', ...floorPage({ way: 'form', hosts: 2 }) },
  { name: 'waybill', page: 'waybill-page' },
  { name: 'waybill, two hosts', page: 'waybill-page', options: { hosts: 2 } },
  { name: 'Uppy 6, signing per its docs', every: 2, page: 'uppy-page', options: { way: 'sign' } },
  { name: 'Uppy 6, Companion', every: 2, page: 'uppy-page', options: { way: 'companion' } },
  { name: 'better-upload, single', every: 2, page: 'better-upload-page', options: { route: 'single' } },
  { name: 'better-upload, multipart', every: 4, page: 'better-upload-page', options: { route: 'multipart' } },
];
const devstoreFloor = 'devstore, floor: forms, six connections';
const onDevstore = [
  { name: devstoreFloor, every: 2, ...floorPage({ way: 'form' }) },
  { name: 'devstore, waybill', every: 2, page: 'waybill-page' },
  { name: 'devstore, waybill, two hosts', every: 2, page: 'waybill-page', options: { hosts: 2 } },
];

export async function run({ rounds, quick, note }) {
  const bench = await startBench();
  try {
    const [count, size] = [quick ? 60 : 500, 20 * 1024];
    const files = await bench.samples.photos(count, size);
    const link = { rttMs: 50, bytesPerSecond: 12.5e6 };
    const bare = await startEnvironment(bench, { store: 'bare', ...link });
    const devstore = await startEnvironment(bench, { store: 'devstore', ...link, peers: false });
    const turn = (environment, contender) => ({
      ...contender,
      turn: () => environment.upload(contender, files, { bytes: count * size }),
    });
    const figures = await takeUploadTurns(
      [...contenders.map((one) => turn(bare, one)), ...onDevstore.map((one) => turn(devstore, one))],
      { rounds, quick, note },
    );
    const floorOf = (name) => (name.startsWith('devstore') ? devstoreFloor : floor);
    const fastestPeer = Math.min(
      ...contenders
        .filter(({ page }) => /uppy|better/.test(page))
        .map(({ name }) => figures.ratio(name, 'waybill, two hosts')),
    );
    return {
      rows: [...figures.rows(floorOf), ...figures.preflightRows(figures.preflights(puts))],
      targets: [
        atMost('six connections / floor', 1.1, figures.ratio('waybill', floor)),
        atMost('two hosts / floor', 0.65, figures.ratio('waybill, two hosts', floor)),
        atLeast('fastest peer / two hosts', 3, fastestPeer),
        atMost('preflights, six connections', 6, figures.preflights('waybill')),
        atMost('on the devstore: six connections / floor', 1.1, figures.ratio('devstore, waybill', devstoreFloor)),
        atMost(
          'on the devstore: two hosts / floor',
          0.65,
          figures.ratio('devstore, waybill, two hosts', devstoreFloor),
        ),
      ],
    };
  } finally {
    await bench.stop();
  }
}
