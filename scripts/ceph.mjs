#!/usr/bin/env node
/**
 * Runs the Ceph gateway of the tests until Ctrl-C, and prints its address: `node scripts/ceph.mjs [--lifecycle-day
 * SECONDS]`.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode } from './lib/run.mjs';

const { values } = parseArgs({ options: { 'lifecycle-day': { type: 'string' } } });
requireNode();
await ensureInstalled();
const { runnerImport } = await import('vite');
const { module } = await runnerImport(fileURLToPath(new URL('../test/support/ceph.ts', import.meta.url)));
const day = Number(values['lifecycle-day']);
const ceph = await module.startCeph(day > 0 ? { lifecycleDayInSeconds: day } : {});
console.log(`S3_TEST_ENDPOINT=${ceph.endpoint}
S3_TEST_REGION=${ceph.region}
S3_TEST_ACCESS_KEY=${ceph.credentials.accessKeyId}
S3_TEST_SECRET_KEY=${ceph.credentials.secretAccessKey}`);
await new Promise((resolve) => {
  process.once('SIGINT', resolve);
  process.once('SIGTERM', resolve);
});
await ceph.stop();
