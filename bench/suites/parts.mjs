/** parts: signs the requests for 100 parts of one upload, each for its length and SHA-256, on one core. */
import * as contenders from '../contenders/parts.mjs';
import { checkPresigned } from '../harness/check.mjs';
import { files } from '../harness/fixtures.mjs';
import { repeating } from '../harness/repeat.mjs';
import { operationsPerSecond, ratioOf, rowsOf } from '../harness/rounds.mjs';
import { atMost } from '../harness/targets.mjs';

export const about = 'The requests for 100 parts of one upload: length and SHA-256 are in each signature.';
export const peers = ['aws4', 'aws4fetch', 's3mini', '@aws-sdk/client-s3', '@aws-sdk/s3-request-presigner'];

const floor = 'floor: plain node:crypto';
const partsAtOnce = 100;

export async function run({ rounds }) {
  const signers = new Map([
    [floor, contenders.floor()],
    ['waybill', await contenders.ours()],
    ['aws4', await contenders.aws4()],
    ['s3mini', await contenders.s3mini()],
    ['aws4fetch', await contenders.aws4fetch()],
    ['AWS SDK', await contenders.awsSdk()],
  ]);
  for (const [name, sign] of signers) {
    const signed = [];
    for (const partNumber of [1, 10_000]) signed.push(await sign(files[partNumber % 2], partNumber));
    for (const request of signed) checkPresigned(name, request, contenders.boundHeaders);
  }
  const figures = await operationsPerSecond(
    [...signers].map(([name, sign]) => ({ name, run: repeating(hundred(sign), files) })),
    { rounds },
  );
  const ms = new Map([...figures].map(([name, rates]) => [name, rates.map((rate) => 1000 / rate)]));
  return {
    rows: rowsOf(ms, { unit: 'ms', floor }),
    targets: [atMost('100 parts / floor', 1.5, ratioOf(ms, 'waybill', floor))],
  };
}

/** The parts of one file. `files` gives each part different bytes. */
function hundred(sign) {
  if (sign.constructor.name === 'AsyncFunction')
    return async ({ key }) => {
      let last;
      for (let n = 1; n <= partsAtOnce; n++) last = await sign({ ...files[n], key }, n);
      return last;
    };
  return ({ key }) => {
    let last;
    for (let n = 1; n <= partsAtOnce; n++) last = sign({ ...files[n], key }, n);
    return last;
  };
}
