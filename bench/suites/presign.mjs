/** presign: signs one PUT (with type, length, SHA-256 and If-None-Match) on one core. */
import * as contenders from '../contenders/presign.mjs';
import { checkPresigned } from '../harness/check.mjs';
import { fileCount, files } from '../harness/fixtures.mjs';
import { repeating } from '../harness/repeat.mjs';
import { operationsPerSecond, ratioOf, rowsOf } from '../harness/rounds.mjs';
import { atLeast } from '../harness/targets.mjs';

export const about = 'One bound presigned PUT: type, length, SHA-256 and If-None-Match are in the signature.';
export const peers = ['aws4', 'aws4fetch', 's3mini', '@aws-sdk/client-s3', '@aws-sdk/s3-request-presigner'];

const floor = 'floor: plain node:crypto';

export async function run({ rounds }) {
  const signers = new Map([
    [floor, contenders.floor()],
    ['waybill', await contenders.ours()],
    ['waybill, plain', await contenders.oursPlain()],
    ['aws4', await contenders.aws4()],
    ['s3mini', await contenders.s3mini()],
    ['aws4fetch', await contenders.aws4fetch()],
    ['AWS SDK', await contenders.awsSdk()],
  ]);
  for (const [name, sign] of signers) {
    const bound = name === 'waybill, plain' ? ['content-type', 'content-length'] : contenders.boundHeaders;
    for (const file of [files[0], files[fileCount - 1]]) checkPresigned(name, await sign(file), bound);
  }
  const figures = await operationsPerSecond(
    [...signers].map(([name, sign]) => ({ name, run: repeating(sign, files) })),
    { rounds },
  );
  return {
    rows: rowsOf(figures, { unit: 'presigns/s', floor }),
    targets: [
      atLeast('bound presign / floor', 0.7, ratioOf(figures, 'waybill', floor)),
      atLeast('bound presign / our own plain', 0.8, ratioOf(figures, 'waybill', 'waybill, plain')),
    ],
  };
}
