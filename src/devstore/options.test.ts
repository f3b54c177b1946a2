import { expect, it } from 'vitest';
import { createDevstore } from './index.ts';

const secretAccessKey = 'hunter2';
const valid = { dir: '/dev/null/devstore', credentials: [{ accessKeyId: 'dev', secretAccessKey }] };

it.each<[string, object, RegExp]>([
  ['an unknown option', { ...valid, bucket: 'photos' }, /unknown option `bucket`/],
  ['no folder', { credentials: valid.credentials }, /needs `dir`/],
  ['no access key', { ...valid, credentials: [] }, /needs `credentials`/],
  ['an access key without an id', { ...valid, credentials: [{ secretAccessKey }] }, /needs `credentials`/],
  [
    'an account id of three digits',
    { ...valid, credentials: [{ accessKeyId: 'dev', secretAccessKey, accountId: '123' }] },
    /needs `credentials`/,
  ],
  ['buckets that are not a list', { ...valid, buckets: 'photos' }, /needs `buckets`/],
  ['a name that no bucket can have', { ...valid, buckets: ['No_Such_Name'] }, /^"No_Such_Name" cannot be the name/],
  ['an idle timeout of 0', { ...valid, idleTimeoutMs: 0 }, /needs `idleTimeoutMs`/],
  ['unknown ETags', { ...valid, etags: 'sha256' }, /needs `etags`/],
])('createDevstore() with %s is config_invalid, without the secret in the message', async (_, options, words) => {
  const error = await createDevstore(options as never).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: 'config_invalid', message: expect.stringMatching(words) });
  expect(String(error)).not.toContain(secretAccessKey);
});
