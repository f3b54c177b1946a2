/**
 * The README's curl lines, exactly as they stand there. They name the usual port; `waybill dev` runs on a free one, and
 * curl's own configuration leads from the one to the other.
 */
import { execFile, execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CompleteResponse } from '../../src/protocol/index.ts';
import { fixture } from '../support/fixtures.ts';
import { type BuiltCli, buildCli, type Running, spawnCli } from './built-cli.ts';

const tools = ['sh', 'curl', 'openssl'];
const missing = tools.filter((tool) => !works(tool));
if (missing.length > 0 && !process.env.CI) console.warn(`SKIPPED README’s curl lines: no ${missing.join(', ')} here`);

describe.skipIf(missing.length > 0 && !process.env.CI)('README', { timeout: 60_000 }, () => {
  let cli: BuiltCli;
  let cwd: string;
  let dev: Running;
  let url: string;

  beforeAll(async () => {
    cli = await buildCli();
    cwd = await mkdtemp(join(tmpdir(), 'waybill-readme-'));
    dev = spawnCli(cli.main, ['dev', '--port', '0'], { cwd });
    url = (await dev.says(/Open (http:\/\/\S+)/))[1] as string;
    await copyFile(fixture('camera.jpg').path, join(cwd, 'photo.jpg'));
    await writeFile(join(cwd, '.curlrc'), `connect-to = "127.0.0.1:4400:127.0.0.1:${new URL(url).port}"\n`);
  }, 60_000);

  afterAll(async () => {
    await dev?.stop();
    await cli?.remove();
    if (cwd) await rm(cwd, { recursive: true, force: true });
  });

  it('its three curl lines store a photo, and its url shows it', async () => {
    const lines = await curlBlock();
    expect(lines.match(/\bcurl -fsS/g)).toHaveLength(3);
    const { stdout } = await runLines(lines, cwd);
    const { results } = JSON.parse(stdout) as CompleteResponse;
    const [result] = results;
    if (!result || !('file' in result)) throw new Error(`Not stored: ${stdout}`);
    const shown = await fetch(new URL(result.file.url, url));
    expect(shown.headers.get('content-type')).toBe('image/jpeg');
    expect(new Uint8Array(await shown.arrayBuffer())).toEqual(fixture('camera.jpg').bytes);
  });

  it('its second line is refused with other bytes, as it says there', async () => {
    const [ask, send] = (await curlBlock()).split('\n\n') as [string, string];
    await runLines(ask, cwd);
    const other = fixture('camera.jpg').bytes;
    other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
    await writeFile(join(cwd, 'photo.jpg'), other);
    await expect(runLines(send, cwd)).rejects.toThrow(/error: 400/);
  });
});

async function curlBlock(): Promise<string> {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const blocks = [...readme.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block ?? '');
  const block = blocks.find((one) => one.includes('curl'));
  if (!block) throw new Error('README.md shows no curl');
  return block;
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
