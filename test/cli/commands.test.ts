/** Each command as a process: what it starts, prints, refuses and leaves behind. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../support/fixtures.ts';
import { type BuiltCli, buildCli, type Running, spawnCli } from './built-cli.ts';

let cli: BuiltCli;
let cwd: string;
const running: Running[] = [];
const servers: Server[] = [];

beforeAll(async () => {
  cli = await buildCli();
  cwd = await mkdtemp(join(tmpdir(), 'waybill-cli-'));
});

afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

afterAll(async () => {
  await cli.remove();
  await rm(cwd, { recursive: true, force: true });
});

function start(...args: string[]): Running {
  const one = spawnCli(cli.main, args, { cwd });
  running.push(one);
  return one;
}

async function finish(...args: string[]) {
  const one = start(...args);
  const code = await one.ended;
  return { code, stdout: one.stdout(), stderr: one.stderr() };
}

async function startDev(...args: string[]) {
  const dev = start('dev', '--port', '0', ...args);
  const url = (await dev.says(/Open (http:\/\/\S+)/))[1] as string;
  return { dev, url };
}

/** Another server that listens on a port. */
async function occupy(handler: Parameters<typeof createServer>[1] = (_request, response) => response.end('hello')) {
  const server = createServer(handler);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function expectNoStack({ stderr }: { stderr: string }): void {
  expect(stderr).not.toMatch(/^\s+at .*:\d+/m);
}

describe('waybill dev', () => {
  it('serves page, server and store, prints no secrets, and stops on Ctrl-C', async () => {
    const { dev, url } = await startDev('--dir', 'fresh');
    const page = await fetch(url);
    expect(await page.text()).toContain('<title>Waybill</title>');
    const policy = page.headers.get('content-security-policy') ?? '';
    const store = /store\s+(http:\/\/[^/]+)/.exec(dev.stdout())?.[1] as string;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain(`img-src 'self' blob: ${store}`);
    expect(policy).not.toContain('unsafe');
    const info = await fetch(`${url}/uploads/routes/photos`);
    expect(((await info.json()) as { limits: { contentTypes: string[] } }).limits.contentTypes).toEqual(['image/*']);
    expect((await fetch(store)).status).toBe(403);

    const modes = [
      [join(cwd, 'fresh'), 0o700],
      [join(cwd, 'fresh/keys.json'), 0o600],
    ] as const;
    for (const [path, mode] of modes) expect((await stat(path)).mode & 0o777).toBe(mode);
    const keys = JSON.parse(await readFile(join(cwd, 'fresh/keys.json'), 'utf8')) as Record<string, string>;
    for (const secret of [keys.secretAccessKey, keys.secret]) {
      expect(secret?.length).toBeGreaterThan(30);
      expect(dev.stdout() + dev.stderr()).not.toContain(secret);
    }
    expect(await readFile(join(cwd, 'fresh/.gitignore'), 'utf8')).toBe('*\n');

    expect(await dev.stop()).toBe(0);
    expect(dev.stderr()).toContain('Stopped. The uploaded files are still in fresh/.');
    await expect(stat(join(cwd, 'fresh/running.json'))).rejects.toThrow('ENOENT');
  });

  it('accepts its address and localhost as Host, and no other name (DNS rebinding)', async () => {
    const { url } = await startDev('--dir', 'rebinding');
    const { get } = await import('node:http');
    const ask = async (host: string, path: string) => {
      const request = get(`${url}${path}`, { headers: { host }, agent: false });
      const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    const { port } = new URL(url);
    for (const path of ['/', '/page.json', '/uploads/routes/files', '/dev/transfer-stats/x', '/files/x'])
      for (const host of ['rebound.example', `rebound.example:${port}`, '127.0.0.1.rebound.example'])
        expect(await ask(host, path), `${host}${path}`).toBe(421);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
      expect(await ask(host, '/')).toBe(200);
  });

  it('keeps links valid over a restart', async () => {
    const first = await startDev('--dir', 'again');
    const photo = fixture('camera.jpg');
    const sent = await finish('up', photo.path, '--to', first.url, '--route', 'photos');
    expect(sent).toMatchObject({ code: 0 });
    const link = new URL(sent.stdout.trim());
    await first.dev.stop();
    const second = await startDev('--dir', 'again');
    const shown = await fetch(`${second.url}${link.pathname}`);
    expect(shown.headers.get('content-type')).toBe('image/jpeg');
    expect(new Uint8Array(await shown.arrayBuffer())).toEqual(photo.bytes);
  });

  it('refuses a folder that another process uses, and names its URL', async () => {
    const { url } = await startDev('--dir', 'shared');
    const second = await finish('dev', '--port', '0', '--dir', 'shared');
    expect(second).toMatchObject({ code: 3, stdout: '' });
    expect(second.stderr).toContain(`Waybill already runs at ${url}`);
  });

  it('starts after a crash that left its lock behind', async () => {
    const first = await startDev('--dir', 'crash');
    first.dev.child.kill('SIGKILL');
    await first.dev.ended;
    expect(JSON.parse(await readFile(join(cwd, 'crash/running.json'), 'utf8'))).toMatchObject({ url: first.url });
    await startDev('--dir', 'crash');
  });

  it('reports a port in use, a folder that is a file, and damaged keys', async () => {
    const port = await occupy();
    const taken = await finish('dev', '--port', String(port), '--dir', 'taken');
    expect(taken).toMatchObject({ code: 3, stdout: '' });
    expect(taken.stderr).toContain(`Port ${port} is in use.`);
    expectNoStack(taken);

    await writeFile(join(cwd, 'a-file'), '');
    for (const dir of ['a-file', 'a-file/below']) {
      const blocked = await finish('dev', '--port', '0', '--dir', dir);
      expect(blocked).toMatchObject({ code: 3, stdout: '' });
      expect(blocked.stderr).toContain('cannot be used');
      expectNoStack(blocked);
    }

    await mkdir(join(cwd, 'damaged'));
    for (const text of ['{', '{}', '[]', 'null', '{"accessKeyId":"a","secretAccessKey":"b","secret":"short"}']) {
      await writeFile(join(cwd, 'damaged/keys.json'), text);
      const damaged = await finish('dev', '--port', '0', '--dir', 'damaged');
      expect(damaged).toMatchObject({ code: 3, stdout: '' });
      expect(damaged.stderr).toContain('keys.json is damaged');
      expectNoStack(damaged);
    }
  });

  it('makes keys private that other users could read', async () => {
    const { dev } = await startDev('--dir', 'open');
    await dev.stop();
    await chmod(join(cwd, 'open/keys.json'), 0o644);
    await startDev('--dir', 'open');
    expect((await stat(join(cwd, 'open/keys.json'))).mode & 0o777).toBe(0o600);
  });

  it('listens on all addresses with --allow-public', async () => {
    const { url } = await startDev('--dir', 'public', '--host', '0.0.0.0', '--allow-public');
    expect((await fetch(url)).status).toBe(200);
  });
});

describe('waybill devstore', () => {
  it('creates its buckets and accepts only its keys', async () => {
    const keys = ['--access-key', 'localkey', '--secret-key', 'localsecret'];
    const store = start('devstore', '--port', '0', '--dir', 'store', '--bucket', 'one', '--bucket', 'two', ...keys);
    const endpoint = (await store.says(/endpoint\s+(\S+)/))[1] as string;
    const { ListBucketsCommand, S3Client } = await import('@aws-sdk/client-s3');
    const client = (secretAccessKey: string) =>
      new S3Client({
        endpoint,
        region: 'us-east-1',
        forcePathStyle: true,
        maxAttempts: 1,
        credentials: { accessKeyId: 'localkey', secretAccessKey },
      });
    const { Buckets } = await client('localsecret').send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['one', 'two']);
    await expect(client('another-secret').send(new ListBucketsCommand({}))).rejects.toThrow(/signature/i);
    expect(await store.stop()).toBe(0);
  });

  it('creates and prints new keys when none are given', async () => {
    const store = start('devstore', '--port', '0', '--dir', 'keyless');
    const [, key, secret] = await store.says(/access key\s+(\S+)\s+secret key\s+(\S+)/);
    expect(key).toMatch(/^WAYBILL[0-9A-F]{16}$/);
    expect(secret?.length).toBe(40);
  });

  it('reports a port in use, a wrong bucket name and a folder that is a file', async () => {
    const port = await occupy();
    const taken = await finish('devstore', '--port', String(port), '--dir', 'store2');
    expect(taken).toMatchObject({ code: 3, stdout: '' });
    expect(taken.stderr).toContain(`Port ${port} is in use.`);
    const bucket = await finish('devstore', '--port', '0', '--dir', 'store3', '--bucket', 'No_Such_Name');
    expect(bucket.code).toBe(2);
    expect(bucket.stderr).toContain('"No_Such_Name" cannot be the name of a bucket.');
    await writeFile(join(cwd, 'in-the-way'), '');
    const blocked = await finish('devstore', '--port', '0', '--dir', 'in-the-way');
    expect(blocked.code).toBe(3);
    for (const one of [taken, bucket, blocked]) expectNoStack(one);
  });
});

describe('waybill up', () => {
  it('sends several files and prints their URLs', async () => {
    const { url } = await startDev('--dir', 'up');
    const files = [fixture('camera.jpg'), fixture('note.txt'), fixture('clip.mp4')];
    const sent = await finish('up', ...files.map(({ path }) => path), '--to', `${url}/uploads`, '--route', 'files');
    expect(sent.code).toBe(0);
    const links = sent.stdout.trim().split('\n');
    expect(links).toHaveLength(3);
    const stored = await Promise.all(
      links.map(async (link) => digest(new Uint8Array(await (await fetch(link)).arrayBuffer()))),
    );
    expect(stored.sort()).toEqual(files.map(({ bytes }) => digest(bytes)).sort());
    for (const { fileName } of files) expect(sent.stderr).toMatch(new RegExp(`stored .*${fileName}`));
  });

  it('sends the files of a folder and reports what it leaves out', async () => {
    const { url } = await startDev('--dir', 'odd');
    const folder = join(cwd, 'odd-folder');
    await mkdir(join(folder, 'deep'), { recursive: true });
    await writeFile(join(folder, 'a.txt'), 'hello');
    // A name in Latin-1: the byte E9 alone is no UTF-8.
    const latin1 = Buffer.concat([Buffer.from(join(folder, 'caf')), Buffer.from([0xe9]), Buffer.from('.txt')]);
    await writeFile(latin1, 'coffee');
    await symlink('/nowhere/b.jpg', join(folder, 'deep/b.jpg'));
    await symlink('anna@laptop.123', join(folder, '.#a.txt'));
    await symlink('..', join(folder, 'deep/loop'));
    execFileSync('mkfifo', [join(folder, 'deep/pipe')]);
    const sent = await finish('up', 'odd-folder', '--to', url, '--route', 'files');
    expect(sent.code).toBe(0);
    expect(sent.stdout.trim().split('\n')).toHaveLength(2);
    expect(sent.stderr).toContain('skipped  odd-folder/deep/b.jpg: its link is broken');
    expect(sent.stderr).toContain('skipped  odd-folder/.#a.txt: its link is broken');
    expect(sent.stderr).toContain('skipped  odd-folder/deep/pipe: it is not a file');
    expect(sent.stderr).toMatch(/stored .*caf\uFFFD\.txt/);
  });

  it('refuses a broken link that was named itself', async () => {
    const { url } = await startDev('--dir', 'typed-link');
    await symlink('/nowhere', join(cwd, 'typed.txt'));
    const sent = await finish('up', 'typed.txt', '--to', url, '--route', 'files');
    expect(sent.code).toBe(2);
    expect(sent.stderr).toContain('typed.txt: it does not exist');
  });

  it.runIf(process.platform === 'linux')('refuses a file whose size is wrong, and says what to do', async () => {
    const { url } = await startDev('--dir', 'proc');
    const sent = await finish('up', '/proc/version', '--to', url, '--route', 'files');
    expect(sent.code).toBe(1);
    expect(sent.stderr).toContain('/proc/version: The size of this file is unknown.');
    expect(sent.stderr).toContain('Send it as a stream.');
  });

  it.each([301, 308])('names the URL to which a server redirects with %i', async (status) => {
    const { url } = await startDev('--dir', `moved-${status}`);
    const port = await occupy((request, response) => {
      response.writeHead(status, { location: `${url}${request.url}` }).end();
    });
    const sent = await finish('up', fixture('note.txt').path, '--to', `http://127.0.0.1:${port}`, '--route', 'files');
    expect(sent.code).toBe(3);
    expect(sent.stderr).toContain('redirects to another address');
    expect(sent.stderr).toContain(`--to ${url}/uploads`);
  });

  it('--json prints one object for each file, and a refused file makes the exit code 1', async () => {
    const { url } = await startDev('--dir', 'json');
    const paths = ['camera.jpg', 'note.txt', 'lying.png'].map((name) => fixture(name as 'camera.jpg').path);
    const sent = await finish('up', ...paths, '--to', url, '--route', 'photos', '--json');
    expect(sent).toMatchObject({ code: 1, stderr: '' });
    const objects = sent.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const by = (path: string | undefined) => objects.find((object) => object.path === path);
    expect(objects).toHaveLength(3);
    expect(by(paths[0])).toMatchObject({
      status: 'done',
      fileName: 'camera.jpg',
      contentType: 'image/jpeg',
      size: 1639,
    });
    expect(by(paths[0])?.url).toMatch(new RegExp(`^${url}/files/`));
    expect(by(paths[1])).toMatchObject({
      status: 'failed',
      error: { code: 'content_type_not_allowed', retryable: false },
    });
    expect(by(paths[2])).toMatchObject({ status: 'failed', error: { code: 'content_type_mismatch' } });
    expect(sent.stdout).not.toMatch(/X-Amz|grant/i);
  });

  it('distinguishes no answer, another server and an unknown route before it sends anything', async () => {
    const { path } = fixture('note.txt');
    const asked: (string | undefined)[] = [];
    const strange = await occupy((request, response) => {
      asked.push(request.method);
      response.statusCode = 404;
      response.end('<h1>Not here</h1>');
    });
    const unused = await occupy();
    servers.pop()?.close();

    const silent = await finish('up', path, '--to', `http://127.0.0.1:${unused}`, '-r', 'files');
    expect(silent).toMatchObject({ code: 3, stdout: '' });
    expect(silent.stderr).toContain(`Nothing answers at http://127.0.0.1:${unused}/uploads`);
    const other = await finish('up', path, '--to', `http://127.0.0.1:${strange}/api`, '-r', 'files');
    expect(other).toMatchObject({ code: 3, stdout: '' });
    expect(other.stderr).toContain('is not a Waybill server (HTTP 404)');
    expect(asked).toEqual(['GET']);
    const { url } = await startDev('--dir', 'unknown');
    const unknown = await finish('up', path, '--to', url, '-r', 'constructor');
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toContain('The server has no route "constructor".');
    for (const one of [silent, other, unknown]) expectNoStack(one);
  });

  it('sends headers to the server and not to the store', async () => {
    const seen: string[] = [];
    const { url } = await startDev('--dir', 'headers');
    const target = new URL(url);
    const { request: forward } = await import('node:http');
    const proxy = await occupy((request, response) => {
      seen.push(`${request.method} ${request.headers['x-token']}`);
      request.pipe(
        forward(
          {
            host: target.hostname,
            port: target.port,
            path: request.url,
            method: request.method,
            headers: request.headers,
          },
          (answer) => {
            response.writeHead(answer.statusCode ?? 500, answer.headers);
            answer.pipe(response);
          },
        ),
      );
    });
    const sent = await finish(
      'up',
      fixture('note.txt').path,
      '--to',
      `http://127.0.0.1:${proxy}`,
      '-r',
      'files',
      '-H',
      'X-Token: sesame',
      '-q',
    );
    expect(sent).toMatchObject({ code: 0, stderr: '' });
    expect(seen).toEqual(['GET sesame', 'POST sesame', 'POST sesame']);
    // The store would have refused an unsigned header.
    expect(sent.stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/files\/\S+\n$/);
  });

  it('exits with 130 on Ctrl-C', async () => {
    const { path } = fixture('note.txt');
    const requests: string[] = [];
    const hold = await occupy((request, response) => {
      requests.push(`${request.method} ${request.url}`);
      response.setHeader('content-type', 'application/json');
      if (request.method === 'GET')
        response.end(
          JSON.stringify({
            route: 'files',
            limits: { minBytes: 1, maxBytes: 1e9, maxFiles: 10 },
            checksum: 'sha256',
            transfers: ['put'],
            formMaxBytes: 0,
          }),
        );
      // The grant is never answered.
      else up.child.kill('SIGINT');
    });
    const up = start('up', path, '--to', `http://127.0.0.1:${hold}`, '-r', 'files');
    expect(await up.ended).toBe(130);
    expect(up.stderr()).toContain('stopped');
    expect(requests.slice(0, 2)).toEqual(['GET /uploads/routes/files', 'POST /uploads']);
  });
});

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
