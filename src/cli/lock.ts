/**
 * Only one devstore may use a folder, because two would not see each other's changes. The lock file contains the
 * address of the devstore and is valid only while a devstore answers there, so that a crash leaves nothing to clean up.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { environmentError } from './cli-error.ts';

export interface LockFacts {
  storeUrl: string;
  /** The address to show to the user of a second process. */
  url: string;
}

export interface Lock {
  hold(facts: LockFacts): Promise<void>;
  release(): Promise<void>;
}

/** @throws CliError when a running process uses the folder */
export async function takeLock(dir: string): Promise<Lock> {
  const path = join(dir, 'running.json');
  const holder = await readFacts(path);
  if (holder && (await isDevstore(holder.storeUrl)))
    throw environmentError(
      `${dir} is in use: Waybill already runs at ${holder.url}`,
      'Stop that process, or choose another folder with --dir PATH.',
    );
  let held = false;
  return {
    async hold(facts) {
      await writeFile(path, `${JSON.stringify(facts)}\n`, { mode: 0o600 });
      held = true;
    },
    async release() {
      if (held) await rm(path, { force: true });
    },
  };
}

async function readFacts(path: string): Promise<LockFacts | undefined> {
  try {
    const { storeUrl, url } = JSON.parse(await readFile(path, 'utf8')) as Partial<Record<keyof LockFacts, unknown>>;
    return typeof storeUrl === 'string' && typeof url === 'string' ? { storeUrl, url } : undefined;
  } catch {
    return undefined;
  }
}

function isDevstore(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    try {
      const request = get(url, { timeout: 2000, agent: false }, (response) => {
        response.destroy();
        resolve(response.headers.server === 'waybill-devstore');
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(false));
    } catch {
      resolve(false);
    }
  });
}
