/** The state of `waybill dev` between runs: keys and secrets, which only their owner can read, and the stored files. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError, describeFileError, environmentError } from '../cli-error.ts';

export interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
  /** Seals grants and view URLs. Links to stored files are valid as long as it does not change. */
  secret: string;
}

export interface State {
  dir: string;
  /** The folder of the devstore. */
  storeDir: string;
  keys: Keys;
}

/** @throws CliError when the folder cannot be used */
export async function openState(dir: string, random: (bytes: number) => Buffer = randomBytes): Promise<State> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const storeDir = join(dir, 'store');
    await mkdir(storeDir, { recursive: true, mode: 0o700 });
    // Secrets and uploaded files must not be committed.
    await writeFile(join(dir, '.gitignore'), '*\n');
    return { dir, storeDir, keys: await openKeys(join(dir, 'keys.json'), random) };
  } catch (error) {
    if (error instanceof CliError) throw error;
    const problem = describeFileError(error);
    if (!problem) throw error;
    throw environmentError(`${dir} cannot be used: ${problem}.`, 'Choose another folder with --dir PATH.');
  }
}

async function openKeys(path: string, random: (bytes: number) => Buffer): Promise<Keys> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) {
    const keys = {
      accessKeyId: `WAYBILL${random(8).toString('hex').toUpperCase()}`,
      secretAccessKey: random(30).toString('base64url'),
      secret: random(36).toString('base64url'),
    };
    await writePrivateFile(path, JSON.stringify(keys, null, 2));
    return keys;
  }
  await chmod(path, 0o600);
  const keys = parseKeys(text);
  if (!keys)
    throw environmentError(
      `${path} is damaged.`,
      'Delete it to get new keys. Links to stored files then stop working; the files are kept.',
    );
  return keys;
}

/** Writes the file atomically, so that a crash cannot leave an incomplete secret. */
async function writePrivateFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(`${text}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, path);
}

function parseKeys(text: string): Keys | undefined {
  try {
    const { accessKeyId, secretAccessKey, secret } = JSON.parse(text) as Record<string, unknown>;
    if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string' || typeof secret !== 'string')
      return undefined;
    return secret.length >= 32 && accessKeyId !== '' && secretAccessKey !== ''
      ? { accessKeyId, secretAccessKey, secret }
      : undefined;
  } catch {
    return undefined;
  }
}
