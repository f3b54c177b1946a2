/** medium: 40 files of 5 MiB. The link is the limit, and each round trip between two files leaves it idle. */
import { atMost } from '../harness/targets.mjs';
import { startBench, startEnvironment } from '../harness/transfer.mjs';
import { takeUploadTurns } from '../harness/transfer-rounds.mjs';

export const about =
  '40 files of 5 MiB from Chromium, 40 ms round trip, 12.5 MB/s a connection. Ours with authorisation, grants, SHA-256 and verified completion in the measured time. To a bare store that checks nothing, and to the devstore. The floors know every URL in advance and hash nothing; peers take every second round.';
export const peers = ['@uppy/core', '@uppy/aws-s3', '@better-upload/client', '@better-upload/server'];

const MiB = 2 ** 20;
const floor = 'floor: PUTs, six connections';
const contenders = [
  { name: floor, page: 'floor-page', options: { way: 'put' } },
  { name: 'floor: PUTs, twelve connections', page: 'floor-page', options: { way: 'put', hosts: 2 } },
  { name: 'waybill', page: 'waybill-page' },
  { name: 'waybill, two hosts', page: 'waybill-page', options: { hosts: 2 } },
  { name: 'Uppy 6, signing per its docs', every: 2, page: 'uppy-page', options: { way: 'sign' } },
  { name: 'Uppy 6, Companion', every: 2, page: 'uppy-page', options: { way: 'companion' } },
  { name: 'better-upload, single', every: 2, page: 'better-upload-page', options: { route: 'single' } },
  { name: 'better-upload, multipart', every: 2, page: 'better-upload-page', options: { route: 'multipart' } },
];
const devstoreFloor = 'devstore, floor: PUTs, six connections';
const onDevstore = [
  { name: devstoreFloor, every: 2, page: 'floor-page', options: { way: 'put' } },
  { name: 'devstore, waybill', every: 2, page: 'waybill-page' },
  { name: 'devstore, waybill, two hosts', every: 2, page: 'waybill-page', options: { hosts: 2 } },
];

export async function run({ rounds, quick, note }) {
  const bench = await startBench();
  try {
    const [count, size] = [quick ? 12 : 40, 5 * MiB];
    const files = await bench.samples.photos(count, size);
    const link = { rttMs: 40, bytesPerSecond: 12.5e6 };
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
    return {
      rows: figures.rows((name) => (name.startsWith('devstore') ? devstoreFloor : floor)),
      targets: [
        atMost('six connections / floor', 1.1, figures.ratio('waybill', floor)),
        atMost('two hosts / floor', 0.65, figures.ratio('waybill, two hosts', floor)),
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
