#!/usr/bin/env node
import { run } from './index.ts';
import { processTerminal } from './terminal.ts';

/** The process exits after this time, even if an idle connection or a server that never answers would keep it alive. */
const graceMs = 1000;

const exitCode = await run(process.argv.slice(2), processTerminal());
process.exitCode = exitCode;
setTimeout(() => process.exit(exitCode), graceMs).unref();
