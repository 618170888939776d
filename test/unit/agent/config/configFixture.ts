import assert from 'node:assert/strict';
import { InterlockError } from '../../../../agent/common/errors.ts';
import { parseConfig } from '../../../../agent/config/load.ts';
import type { Config } from '../../../../agent/config/schema.ts';

/** A file of this project stands in for a handler: the check only asks whether it exists. */
const WORKSPACE = process.cwd();
export const HANDLER = './package.json';

export const JOB = { handler: HANDLER };
export const SCHEDULE = { job: 'sync', every: '90s' };
export const STREAM = { url: 'ws://127.0.0.1:9000/ticks', symbols: ['NSE:X'], job: 'sync' };

export function parseText(text: string): Config {
  return parseConfig(text, '/w/interlock.config.json', WORKSPACE);
}

/** The config with these sections and one job type `sync`. */
export function parse(sections: object): Config {
  return parseText(JSON.stringify({ jobs: { sync: JOB }, ...sections }));
}

/** @returns the error of a config that is to be refused */
export function refusal(read: () => unknown): InterlockError {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof InterlockError, String(error));
    assert.equal(error.code, 'bad_config');
    assert.ok(error.remedy !== undefined, 'a remedy');
    return error;
  }
  assert.fail('The config was taken');
}

/** Checks that the message has a line with the path, the value as written, and what was expected. */
export function assertProblem(
  error: InterlockError,
  path: string,
  value: unknown,
  expected: RegExp,
): void {
  const shown = value === undefined ? 'missing' : JSON.stringify(value);
  const line = error.message.split('\n').find((text) => text.startsWith(`  ${path} = `));
  assert.ok(line !== undefined, `no line for ${path} in:\n${error.message}`);
  const prefix = `  ${path} = ${shown}: `;
  assert.ok(line.startsWith(prefix), `${line}\nshould begin with\n${prefix}`);
  assert.match(line.slice(prefix.length), expected);
}
