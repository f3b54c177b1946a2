/**
 * docs/protocol.md on a real server: its curl commands run unchanged, its JSON has the fields of real answers, its
 * paths are those of the table of resources, and its errors are those of src/protocol/errors.ts. The page names the
 * default port. The test runs `waybill dev` on a free port, and a curl configuration maps one to the other.
 */
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { meanings, readErrors, readKinds, withErrorTable } from '../../scripts/lib/error-table.mjs';
import {
  type CompletedUpload,
  type CompleteResponse,
  errorTable,
  type GrantResponse,
  type ListPartsResponse,
  type MultipartGrant,
  type SignedPart,
} from '../../src/protocol/index.ts';
import { findResource } from '../../src/server/http/resources.ts';
import { type BuiltCli, buildCli, type Running, spawnCli } from '../cli/built-cli.ts';
import { fixture } from '../support/fixtures.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = await readFile(join(root, 'docs/protocol.md'), 'utf8');

const tools = ['sh', 'curl', 'openssl'];
const missing = tools.filter((tool) => !works(tool));
if (missing.length > 0 && !process.env.CI)
  console.warn(
    `SKIPPED the curl commands of docs/protocol.md, because these programs are missing: ${missing.join(', ')}`,
  );

describe('docs/protocol.md', () => {
  it('has every error code, with its status, and no other', () => {
    expect(withErrorTable(root, page) === page, 'docs/protocol.md is out of date: run `npm run docs`').toBe(true);
    const codes = Object.keys(errorTable);
    expect(codes.length).toBeGreaterThan(20);
    expect(Object.keys(meanings)).toEqual(codes);
    expect(readErrors(root)).toEqual(Object.entries(errorTable).map(([code, facts]) => ({ code, ...facts })));
    const shown = [...page.matchAll(/^\| `(\w+)` \| (\d+|-) \|/gm)].map(([, code]) => code);
    expect(shown).toEqual(codes);
    const kinds = new Set(Object.values(errorTable).map(({ kind }) => kind));
    expect(new Set(readKinds(root).map(({ kind }) => kind))).toEqual(kinds);
  });

  it('has the paths that the server has', () => {
    const shown = [...page.matchAll(/^\| \[(\w+)\]\(.*?\) \| `([A-Z]+) \{base\}(\S+)` \|/gm)];
    const found = shown.map(([, , method = '', path = '']) => {
      const at = findResource('/api', `/api${path.replace(/:\w+/, 'x')}`);
      return at?.resource.operations[method];
    });
    expect(found).toEqual(shown.map(([, operation]) => operation));
    expect(found).toHaveLength(11);
  });
});

describe.skipIf(missing.length > 0 && !process.env.CI)('docs/protocol.md on a real server', () => {
  let cli: BuiltCli;
  let cwd: string;
  let dev: Running;
  let url: string;

  beforeAll(async () => {
    cli = await buildCli();
    cwd = await mkdtemp(join(tmpdir(), 'waybill-protocol-'));
    dev = spawnCli(cli.main, ['dev', '--port', '0'], { cwd });
    url = (await dev.says(/Open (http:\/\/\S+)/))[1] as string;
    await writeFile(join(cwd, '.curlrc'), `connect-to = "127.0.0.1:4400:127.0.0.1:${new URL(url).port}"\n`);
  });

  afterAll(async () => {
    await dev?.stop();
    await cli?.remove();
    if (cwd) await rm(cwd, { recursive: true, force: true });
  });

  it('its curl commands store a photo, view it and delete it', async () => {
    const [store, view, ...more] = shellBlocks();
    if (!store || !view) throw new Error('docs/protocol.md shows no curl commands');
    expect(more).toEqual([]);
    expect([store, view].map((block) => block.match(/\bcurl -fsS/g)?.length)).toEqual([3, 3]);
    await copyFile(fixture('camera.jpg').path, join(cwd, 'photo.jpg'));
    await runLines(store, cwd);
    const granted: GrantResponse = JSON.parse(await readFile(join(cwd, 'granted.json'), 'utf8'));
    const stored: CompleteResponse = JSON.parse(await readFile(join(cwd, 'stored.json'), 'utf8'));
    // The answers on the page have the fields of the real ones.
    expect(fieldsOf(granted)).toEqual(fieldsOf(sampleWith('"uploads"')));
    expect(fieldsOf(stored)).toEqual(fieldsOf(sampleWith('"results"')));
    const { stdout } = await runLines(view, cwd);
    expect(Object.keys(JSON.parse(stdout))).toEqual(['url', 'expiresAt']);
    expect(new Uint8Array(await readFile(join(cwd, 'again.jpg')))).toEqual(fixture('camera.jpg').bytes);
    const [result] = stored.results;
    if (!result || !('file' in result)) throw new Error('Not stored');
    const shown = await fetch(new URL(result.file.url, url));
    expect(shown.status).toBe(404);
  });

  it('its second curl command is refused with other bytes', async () => {
    await copyFile(fixture('camera.jpg').path, join(cwd, 'photo.jpg'));
    const [ask, send] = (shellBlocks()[0] ?? '').split('\n\n') as [string, string];
    await runLines(ask, cwd);
    const other = fixture('camera.jpg').bytes;
    other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
    await writeFile(join(cwd, 'photo.jpg'), other);
    await expect(runLines(send, cwd)).rejects.toThrow(/error: 400/);
  });

  it('its answers about routes and parts have the fields of real ones', async () => {
    const info = await (await fetch(new URL('/uploads/routes/photos', url))).json();
    expect(fieldsOf(info)).toEqual(fieldsOf(sampleWith('"multipartMinBytes"')));
    const bytes = fixture('camera.jpg').bytes;
    const digest = createHash('sha256').update(bytes).digest();
    const checksum = { algorithm: 'sha256', value: digest.toString('base64') };
    const file = { fileName: 'camera.jpg', contentType: 'image/jpeg', size: bytes.length };
    const granted = await call<GrantResponse>('', { route: 'photos', files: [file], transfers: ['multipart'] });
    const [{ grant, partSize, partCount }] = granted.uploads as [MultipartGrant];
    expect([partSize, partCount]).toEqual([expect.any(Number), 1]);
    const signed = await call<{ parts: SignedPart[] }>('/parts', {
      grant,
      parts: [{ partNumber: 1, size: bytes.length, checksum }],
    });
    expect(fieldsOf(signed)).toEqual(fieldsOf(sampleWith('"headers": {}')));
    const { method, url: partUrl, headers } = (signed.parts[0] as SignedPart).request;
    expect((await fetch(partUrl, { method, headers, body: bytes })).status).toBe(200);
    const listed = await call<ListPartsResponse>('/parts/list', { grant });
    expect(fieldsOf(listed)).toEqual(fieldsOf(sampleWith('opaque, renewed')));
    const composed = createHash('sha256').update(digest).digest('base64');
    const done = await call<{ results: CompletedUpload[] }>('/complete', {
      grants: [{ grant: listed.grant, size: bytes.length, checksum: { algorithm: 'sha256', value: composed } }],
    });
    expect(done.results[0]?.file.size).toBe(bytes.length);
  });

  async function call<Answer>(path: string, body: object): Promise<Answer> {
    const response = await fetch(new URL(`/uploads${path}`, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(200);
    return response.json() as Promise<Answer>;
  }
});

/** Names of all fields, also nested ones. Of a list only the first item counts; headers and `data` are left out. */
function fieldsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return fieldsOf(value[0], `${path}[]`);
  if (typeof value !== 'object' || value === null || /\.(headers|data)$/.test(path)) return [path];
  return Object.entries(value)
    .flatMap(([name, inner]) => fieldsOf(inner, `${path}.${name}`))
    .sort();
}

function sampleWith(text: string): unknown {
  const samples = [...page.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, json = '']) => json);
  const sample = samples.find((json) => json.includes(text));
  if (!sample) throw new Error(`docs/protocol.md has no JSON with ${text}`);
  return JSON.parse(sample);
}

function shellBlocks(): string[] {
  return [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block ?? '');
}

function runLines(lines: string, cwd: string) {
  const env = { PATH: process.env.PATH ?? '', HOME: cwd, CURL_HOME: cwd, NO_PROXY: '*' };
  return promisify(execFile)('sh', ['-e', '-c', lines], { cwd, env });
}

function works(tool: string): boolean {
  try {
    execFileSync(tool, tool === 'sh' ? ['-c', 'true'] : tool === 'curl' ? ['--version'] : ['version'], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}
