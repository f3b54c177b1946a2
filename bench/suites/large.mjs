/** large: one file of 512 MiB over a link that limits each connection (large), and without a link (large0). */
import { atLeast, atMost } from '../harness/targets.mjs';
import { startBench, startEnvironment } from '../harness/transfer.mjs';
import { takeUploadTurns } from '../harness/transfer-rounds.mjs';

export const about =
  'One file of 512 MiB from Chromium. `large`: 40 ms round trip, 12.5 MB/s a connection; `large0`: no latency, no ceiling. Ours with authorisation, grants, SHA-256 of every part and verified completion in the measured time. To a bare store that checks nothing, and to the devstore. The floors know every URL in advance; slow peers take part in some rounds only.';
export const peers = [
  '@uppy/core',
  '@uppy/aws-s3',
  'uppy5-core',
  'uppy5-aws-s3',
  '@better-upload/client',
  '@better-upload/server',
];

const MiB = 2 ** 20;
const floor = 'floor: six parts that end together';
const twelve = 'floor: twelve connections';
const devstoreFloor = 'devstore, floor: six parts that end together';
const floor0 = 'large0, floor: six parts';

const parts = (partBytes, more) => ({ page: 'floor-page', options: { way: 'parts', partBytes, ...more } });
const uppy = (way, page = 'uppy-page') => ({ page, options: { way } });
const better = (options) => ({ page: 'better-upload-page', options });

/** A size that six or twelve connections can share equally. */
const shared = (size, connections, rounds = 1) => Math.ceil(size / (connections * rounds));

const contendersFor = (size) => [
  { name: floor, ...parts(shared(size, 6)) },
  { name: 'floor: 8 MiB parts', every: 2, ...parts(8 * MiB) },
  { name: twelve, ...parts(shared(size, 12), { hosts: 2 }) },
  { name: 'floor: six connections, SHA-256 in a worker', every: 2, ...parts(shared(size, 6, 4), { hashed: true }) },
  { name: 'waybill', page: 'waybill-page' },
  { name: 'waybill, two hosts', page: 'waybill-page', options: { hosts: 2 } },
  { name: 'Uppy 6, signing per its docs', every: 4, ...uppy('sign') },
  { name: 'Uppy 6, Companion', every: 5, ...uppy('companion') },
  { name: 'Uppy 5, Companion', every: 2, ...uppy('companion5', 'uppy5-page') },
  { name: 'better-upload, single', every: 4, ...better({ route: 'single' }) },
  { name: 'better-upload, multipart', every: 2, ...better({ route: 'multipart' }) },
  { name: 'better-upload, part size by hand', every: 2, ...better({ route: 'multipart', partSize: shared(size, 6) }) },
];

const devstoreContendersFor = (size) => [
  { name: devstoreFloor, every: 2, ...parts(shared(size, 6)) },
  { name: 'devstore, waybill', every: 2, page: 'waybill-page' },
  { name: 'devstore, waybill, two hosts', every: 2, page: 'waybill-page', options: { hosts: 2 } },
];

const nearContendersFor = (size) => [
  { name: floor0, ...parts(shared(size, 6)) },
  { name: 'large0, floor: SHA-256 in a worker', ...parts(8 * MiB, { hashed: true }) },
  { name: 'large0, floor: 8 MiB parts', every: 2, ...parts(8 * MiB) },
  { name: 'large0, waybill', page: 'waybill-page' },
  { name: 'large0, waybill, size-only', page: 'waybill-page', options: { route: 'sizeOnly' } },
  { name: 'large0, Uppy 6, signing per its docs', every: 2, ...uppy('sign') },
  { name: 'large0, Uppy 6, Companion', every: 2, ...uppy('companion') },
  { name: 'large0, Uppy 5, Companion', every: 2, ...uppy('companion5', 'uppy5-page') },
  { name: 'large0, better-upload, single', every: 2, ...better({ route: 'single' }) },
  { name: 'large0, better-upload, multipart', every: 2, ...better({ route: 'multipart' }) },
];

export async function run({ rounds, quick, note }) {
  const bench = await startBench();
  try {
    const size = (quick ? 48 : 512) * MiB;
    const files = [await bench.samples.large(size)];
    const link = { rttMs: 40, bytesPerSecond: 12.5e6 };
    const bare = await startEnvironment(bench, { store: 'bare', ...link });
    const devstore = await startEnvironment(bench, { store: 'devstore', ...link, peers: false });
    const near = await startEnvironment(bench, { store: 'bare' });
    const turn = (environment) => (contender) => ({
      ...contender,
      turn: () => environment.upload(contender, files, { bytes: size }),
    });
    const figures = await takeUploadTurns(
      [
        ...contendersFor(size).map(turn(bare)),
        ...devstoreContendersFor(size).map(turn(devstore)),
        ...nearContendersFor(size).map(turn(near)),
      ],
      { rounds, quick, note },
    );
    const floorOf = (name) => ({ devstore: devstoreFloor, large0: floor0 })[name.split(',')[0]] ?? floor;
    const against = (peer, ours = 'waybill, two hosts') => figures.ratio(peer, ours);
    return {
      rows: figures.rows(floorOf),
      targets: [
        atMost('six connections / floor', 1.1, figures.ratio('waybill', floor)),
        atMost('two hosts / floor', 0.62, figures.ratio('waybill, two hosts', floor)),
        atLeast('Uppy 6 / two hosts', 10, against('Uppy 6, signing per its docs')),
        atLeast('Uppy 5 / two hosts', 2, against('Uppy 5, Companion')),
        atLeast('better-upload / two hosts', 1.7, against('better-upload, multipart')),
        atMost('on the devstore: six connections / floor', 1.1, figures.ratio('devstore, waybill', devstoreFloor)),
        atMost(
          'on the devstore: two hosts / floor',
          0.62,
          figures.ratio('devstore, waybill, two hosts', devstoreFloor),
        ),
        atMost('large0: with SHA-256 / floor', 1.5, figures.ratio('large0, waybill', floor0)),
        atMost('large0: size-only / floor', 1.05, figures.ratio('large0, waybill, size-only', floor0)),
      ],
    };
  } finally {
    await bench.stop();
  }
}
