#!/usr/bin/env node
import { run } from './index.ts';
import { processTerminal } from './terminal.ts';

/** What is still open then (an idle connection, a server that never answers) must not keep the prompt waiting. */
const graceMs = 1000;

const exitCode = await run(process.argv.slice(2), processTerminal());
process.exitCode = exitCode;
setTimeout(() => process.exit(exitCode), graceMs).unref();
