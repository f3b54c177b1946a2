#!/usr/bin/env node
/** `npm run bench -- [name ...]`: measures Waybill, a floor and the peers in one run. See docs/benchmarks.md. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { npm, requireNode, root, timed } from './lib/run.mjs';

const help = `npm run bench -- [name ...] [options]     without a name: all benchmarks

  --json        print each report as one line of JSON, on the last lines
  --write       write the tables into docs/benchmarks.md
  --quick       a smoke run: short turns, few rounds, small bodies; cannot be written
  --rounds N    number of rounds; each contender runs once in each (default 7)
  --no-build    measure the existing dist/

A missed target is printed. It does not change the exit code.`;

requireNode();
const { values: options, positionals: names } = parse();
if (options.help) {
  console.log(help);
  process.exit(0);
}
if (options.write && options.quick)
  fail('A quick run cannot be written to docs/benchmarks.md: leave out --write or --quick.');
const rounds = Number(options.rounds ?? (options.quick ? 3 : 7));
if (!Number.isInteger(rounds) || rounds < 1) fail('--rounds takes a whole number of at least 1.');

await ensureInstalled();
await ensurePeers();
if (!options['no-build'] && !(await ensureBuilt())) process.exit(1);

const { runSuites } = await import('../bench/index.mjs');
process.exitCode = (await runSuites(names, { ...options, rounds })) ? 0 : 1;

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        'no-build': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return fail(`${error.message}\n\n${help}`);
  }
}

/** Installs the peers apart from the root, because they need 220 MB and only benchmarks use them. */
async function ensurePeers() {
  const folder = join(root, 'bench/peers');
  const record = join(folder, 'node_modules/.package-lock.json');
  const wanted = versions(join(folder, 'package-lock.json'));
  const present = existsSync(record) ? versions(record) : new Map();
  if ([...wanted].every(([path, version]) => present.get(path) === version)) return;
  const code = await timed('Installing the peers (a minute the first time)', () =>
    npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder }),
  );
  if (code !== 0) fail('npm ci in bench/peers failed. Its output is above.');
}

function versions(file) {
  const { packages = {} } = JSON.parse(readFileSync(file, 'utf8'));
  const entries = Object.entries(packages).filter(([path, { optional }]) => path !== '' && !optional);
  return new Map(entries.map(([path, { version }]) => [path, version]));
}

function fail(text) {
  console.error(text);
  process.exit(2);
}
