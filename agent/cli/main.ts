#!/usr/bin/env node
import { processIo } from './cliIo.ts';
import { runCli } from './program.ts';

void runCli(process.argv.slice(2), processIo()).then((code) => {
  process.exitCode = code;
  // What was written is flushed first; a handle that a library left open does not keep us.
  process.stdout.write('', () => process.exit(code));
});
