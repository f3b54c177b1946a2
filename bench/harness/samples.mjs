/** Writes files to the disk for browsers and Node. Their contents differ, and their first bytes match their types. */
import { randomFillSync } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MiB = 2 ** 20;
const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex');
const elf = Buffer.from('7f454c46020101', 'hex');

export async function createSamples() {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-bench-files-'));
  return {
    dir,

    /** @returns {Promise<string[]>} paths */
    async photos(count, size) {
      const paths = [];
      for (let index = 0; index < count; index++) {
        const path = join(dir, `photo-${size}-${String(index).padStart(4, '0')}.jpg`);
        await fill(path, size, jpeg);
        paths.push(path);
      }
      return paths;
    },

    /** @param {{ sparse?: boolean }} [options] sparse: zeros that use no space on the disk */
    async large(size, { sparse = false } = {}) {
      const path = join(dir, `large-${size}${sparse ? '-sparse' : ''}.bin`);
      await fill(path, size, elf, sparse);
      return path;
    },

    stop: () => rm(dir, { recursive: true, force: true }),
  };
}

async function fill(path, size, beginning, sparse = false) {
  const file = await open(path, 'w');
  try {
    await file.truncate(size);
    const block = Buffer.alloc(Math.min(size, 4 * MiB));
    for (let at = 0; at < size && !sparse; at += block.length) {
      randomFillSync(block);
      await file.write(block, 0, Math.min(block.length, size - at), at);
    }
    await file.write(beginning, 0, beginning.length, 0);
  } finally {
    await file.close();
  }
}
