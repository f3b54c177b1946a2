#!/usr/bin/env node
/** `npm run bench -- [name ...]`: measures Waybill, a floor and the peers in one run. See docs/benchmarks.md. */
import { parseArgs } from 'node:util';
import { ensureBuilt } from './lib/build.mjs';
import { ensureFolderInstalled, ensureInstalled } from './lib/install.mjs';
import { requireNode } from './lib/run.mjs';

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
// Apart from the root, because they need 220 MB and only benchmarks use them.
await ensureFolderInstalled('bench/peers', 'the peers');
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

function fail(text) {
  console.error(text);
  process.exit(2);
}
