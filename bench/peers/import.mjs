/**
 * Imports peers from the node_modules of this folder, so that the root install stays small. Benchmarks import peers
 * only through this file.
 */
import { readFileSync } from 'node:fs';

/** @param {string} name a package listed in bench/peers/package.json, with or without a subpath */
export const importPeer = (name) => import(name);

/** @param {string} name */
export function peerVersion(name) {
  const manifest = new URL(`./node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}
