/** Writes package-lock.json beside this file from the one that is named, without the checksum of Waybill's tarball. */
import { readFile, writeFile } from 'node:fs/promises';

const [from = ''] = process.argv.slice(2);
const lock = JSON.parse(await readFile(from, 'utf8'));
delete lock.packages['node_modules/waybill'].integrity;
await writeFile(new URL('package-lock.json', import.meta.url), `${JSON.stringify(lock, null, 2)}\n`);
