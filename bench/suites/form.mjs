/** form: signs one POST policy (exact key, type and length, SHA-256) on one core. */
import * as contenders from '../contenders/form.mjs';
import { checkForm } from '../harness/check.mjs';
import { fileCount, files } from '../harness/fixtures.mjs';
import { repeating } from '../harness/repeat.mjs';
import { operationsPerSecond, ratioOf, rowsOf } from '../harness/rounds.mjs';
import { atLeast } from '../harness/targets.mjs';

export const about = 'One POST policy: exact key, type and length, SHA-256.';
export const peers = ['minio', '@aws-sdk/client-s3', '@aws-sdk/s3-presigned-post'];

const floor = 'floor: plain node:crypto';

export async function run({ rounds }) {
  const signers = new Map([
    [floor, contenders.floor()],
    ['waybill', await contenders.ours()],
    ['minio', await contenders.minio()],
    ['AWS SDK', await contenders.awsSdk()],
  ]);
  for (const [name, sign] of signers) {
    for (const file of [files[0], files[fileCount - 1]])
      checkForm(name, await sign(file), { size: file.size, mustBind: contenders.boundFields });
  }
  const figures = await operationsPerSecond(
    [...signers].map(([name, sign]) => ({ name, run: repeating(sign, files) })),
    { rounds },
  );
  return {
    rows: rowsOf(figures, { unit: 'forms/s', floor }),
    targets: [atLeast('form / floor', 0.7, ratioOf(figures, 'waybill', floor))],
  };
}
