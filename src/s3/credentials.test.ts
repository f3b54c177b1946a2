import { describe, expect, it } from 'vitest';
import { awsCredentials, createCredentialsCache, envCredentials } from './credentials.ts';
import type { Credentials } from './types.ts';

/** A provider that the test resolves, and a clock that the test sets. */
function setUp(first?: Credentials) {
  const calls: PromiseWithResolvers[] = [];
  let ms = 0;
  const provider = () => {
    const call = withResolvers();
    calls.push(call);
    if (first && calls.length === 1) call.resolve(first);
    return call.promise;
  };
  const cache = createCredentialsCache(provider, () => ms);
  return {
    cache,
    calls,
    at: (seconds: number) => {
      ms = seconds * 1000;
    },
  };
}

interface PromiseWithResolvers {
  promise: Promise<Credentials>;
  resolve(credentials: Credentials): void;
  reject(error: Error): void;
}

function withResolvers(): PromiseWithResolvers {
  const result = {} as PromiseWithResolvers;
  result.promise = new Promise((resolve, reject) => Object.assign(result, { resolve, reject }));
  return result;
}

const until = (seconds: number, accessKeyId = 'a'): Credentials => ({
  accessKeyId,
  secretAccessKey: 'b',
  sessionToken: 'c',
  expiration: new Date(seconds * 1000),
});
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a provider', () => {
  it('is called once for concurrent callers', async () => {
    const { cache, calls } = setUp();
    expect(() => cache.current()).toThrow(expect.objectContaining({ code: 'storage_unavailable' }));
    const waiting = [cache.ready(), cache.ready(), cache.ready()];
    await settled();
    expect(calls).toHaveLength(1);
    calls[0]?.resolve(until(3600));
    await Promise.all(waiting);
    expect(cache.ready()).toBeUndefined();
    expect(cache.current()).toEqual(until(3600));
  });

  it('is called again before the credentials expire, while they are still used', async () => {
    const { cache, calls, at } = setUp(until(3600));
    await cache.ready();
    at(3299);
    expect(cache.ready()).toBeUndefined();
    expect(calls).toHaveLength(1);
    at(3301);
    expect(cache.ready()).toBeUndefined();
    expect(cache.ready()).toBeUndefined();
    await settled();
    expect(calls).toHaveLength(2);
    expect(cache.current().accessKeyId).toBe('a');
    calls[1]?.resolve(until(7200, 'new'));
    await settled();
    expect(cache.current().accessKeyId).toBe('new');
  });

  it('is not called again for ten seconds after an early refresh failed', async () => {
    const { cache, calls, at } = setUp(until(3600));
    await cache.ready();
    at(3400);
    cache.ready();
    await settled();
    calls[1]?.reject(new Error('down'));
    await settled();
    expect(cache.ready()).toBeUndefined();
    await settled();
    expect(calls).toHaveLength(2);
    at(3410);
    cache.ready();
    await settled();
    expect(calls).toHaveLength(3);
  });

  it('must be waited for after the credentials have expired, and its failure is thrown', async () => {
    const { cache, calls, at } = setUp(until(3600));
    await cache.ready();
    at(3600);
    expect(() => cache.current()).toThrow(expect.objectContaining({ code: 'storage_unavailable' }));
    const waiting = cache.ready();
    await settled();
    calls[1]?.reject(new Error('no role at http://169.254.169.254/?token=secret'));
    await expect(waiting).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: 'The storage credentials could not be loaded: no role at http://169.254.169.254/?[redacted]',
    });
    const again = cache.ready();
    await settled();
    calls[2]?.resolve(until(7200));
    await again;
    expect(cache.current()).toEqual(until(7200));
  });

  it('may return or throw synchronously', async () => {
    const sync = createCredentialsCache(
      () => until(10),
      () => 0,
    );
    await sync.ready();
    expect(sync.current()).toEqual(until(10));
    const broken = createCredentialsCache(
      () => {
        throw new Error('x');
      },
      () => 0,
    );
    await expect(broken.ready()).rejects.toMatchObject({ code: 'storage_unavailable' });
    const empty = createCredentialsCache(
      () => ({}) as Credentials,
      () => 0,
    );
    await expect(empty.ready()).rejects.toMatchObject({ code: 'config_invalid' });
  });
});

describe('envCredentials', () => {
  it('reads the given environment and not process.env', () => {
    expect(envCredentials({ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_SESSION_TOKEN: '' })).toEqual({
      accessKeyId: 'a',
      secretAccessKey: 'b',
      sessionToken: undefined,
      expiration: undefined,
    });
    expect(
      envCredentials({
        AWS_ACCESS_KEY_ID: 'a',
        AWS_SECRET_ACCESS_KEY: 'b',
        AWS_SESSION_TOKEN: 'c',
        AWS_CREDENTIAL_EXPIRATION: '2026-11-23T12:00:00Z',
      }),
    ).toMatchObject({ sessionToken: 'c', expiration: new Date('2026-11-23T12:00:00Z') });
  });

  it('names the missing variables', () => {
    const missing = (env: object) => () => envCredentials(env as never).secretAccessKey;
    expect(missing({})).toThrow('Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.');
    expect(missing({ AWS_ACCESS_KEY_ID: 'a' })).toThrow('Set AWS_SECRET_ACCESS_KEY.');
    expect(() => ({ ...envCredentials({}) })).toThrow('Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.');
  });

  it('reads the environment once, on first use', () => {
    const env: Record<string, string> = {};
    const credentials = createCredentialsCache(envCredentials(env), () => 0);
    expect(() => credentials.current()).toThrow('Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.');
    Object.assign(env, { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' });
    expect(credentials.current()).toMatchObject({ accessKeyId: 'a', secretAccessKey: 'b' });
    env.AWS_ACCESS_KEY_ID = 'c';
    expect(credentials.current()).toMatchObject({ accessKeyId: 'a', secretAccessKey: 'b' });
    env.AWS_SECRET_ACCESS_KEY = 'with a space';
    expect(() => createCredentialsCache(envCredentials(env), () => 0).current()).toThrow('without spaces');
  });

  it('does not delay the refusal of an object without credentials', () => {
    expect(() => createCredentialsCache({} as Credentials, () => 0)).toThrow('accessKeyId');
  });
});

it('awsCredentials() names the package that it needs', async () => {
  await expect(awsCredentials()()).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining('npm install @aws-sdk/credential-providers'),
  });
});
