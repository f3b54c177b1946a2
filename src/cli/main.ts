#!/usr/bin/env node
import { run } from './index.ts';
import { processTerminal } from './terminal.ts';

/** An idle connection or a server that never answers must not keep the process alive for longer. */
const graceMs = 1000;

const exitCode = await run(process.argv.slice(2), processTerminal());
process.exitCode = exitCode;
setTimeout(() => process.exit(exitCode), graceMs).unref();
