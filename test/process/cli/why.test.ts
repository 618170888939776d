import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import * as path from 'node:path';
import * as z from 'zod';
import { decision } from '../../../agent/protocol/decision.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import {
  ECHO_HANDLER,
  makeWorkspace,
  WAIT_HANDLER,
  type TestWorkspace,
} from '../../harness/workspace.ts';
import { errorDocument } from './errorDocument.ts';
import { interlock, interlockJson } from './interlock.ts';

const decisions = z.array(decision);

describe('interlock why', () => {
  let server: RedisServer;
  let workspace: TestWorkspace;
  const run = (...args: string[]) => interlock(workspace, ...args);
  const json = <S extends z.ZodType>(schema: S, ...args: string[]) =>
    interlockJson(workspace, schema, ...args);
  const enqueue = (network: string) =>
    run('enqueue', 'wait', '--data', JSON.stringify({ network, until: until() }));
  const until = () => path.join(workspace.folder, 'done');

  before(async () => {
    server = await RedisServer.start();
    workspace = makeWorkspace(
      {
        redis: { url: server.url },
        jobs: {
          wait: { handler: './wait.ts', unique: { by: ['network'] } },
          echo: { handler: './echo.ts' },
        },
        schedules: { hourly: { job: 'wait', every: '1h' } },
        streams: { nse: { url: 'ws://127.0.0.1:9', symbols: ['NSE:TCS'], job: 'echo' } },
      },
      { 'wait.ts': WAIT_HANDLER, 'echo.ts': ECHO_HANDLER },
    );
    assert.equal((await run('start')).code, 0);
    await enqueue('mainnet');
    await eventually('the run', async () =>
      /run +held/.test((await run('locks', '--kind', 'run')).stdout),
    );
    await enqueue('mainnet');
    await enqueue('testnet');
  });
  after(async () => {
    writeFileSync(until(), '');
    await run('stop');
    await server.stop();
    workspace.remove();
  });

  it('says who runs now, and each decision as a sentence with what to do, newest first', async () => {
    const { code, stdout } = await run('why', 'wait', 'mainnet');
    assert.equal(code, 0);
    const lines = stdout.split('\n');
    assert.match(
      lines[0] ?? '',
      /^Now: job \S+ \(mainnet\) has been running for .* on \S+:\d+, fence \d+\.$/,
    );
    assert.equal(lines[1], '');
    assert.match(
      lines[2] ?? '',
      /ago +wait \(mainnet\) is already running: job \S+ has been running for .* on \S+:\d+ \(rule: unique_key\)\.$/,
    );
    assert.match(lines[3] ?? '', /^ +\S.*\.$/, 'the remedy');
    assert.match(lines[4] ?? '', /ago +Enqueued wait \(mainnet\): job \S+\.$/);
    assert.doesNotMatch(stdout, /testnet/);
  });

  it('prints the decisions as JSON, as many as are asked for', async () => {
    const { json: all } = await json(decisions, 'why', 'wait');
    assert.deepEqual(
      all.map(({ key, outcome }) => `${key} ${outcome}`),
      ['testnet accepted', 'mainnet already_running', 'mainnet accepted'],
    );
    const { json: one } = await json(decisions, 'why', 'wait', '--limit', '1');
    assert.deepEqual(one, all.slice(0, 1));
  });

  it('answers for the name of a schedule, a stream and a lock', async () => {
    assert.match(
      (await run('why', 'hourly')).stdout,
      /^Now: schedule hourly enqueues wait every 1 h/,
    );
    assert.equal((await run('streams', 'stop', 'nse')).code, 0);
    const stream = await run('why', 'nse');
    assert.match(stream.stdout, /^Now: stream nse is stopped\.\n\n.*Stopped stream nse/);
    const lock = await run('why', 'stream:nse');
    assert.match(lock.stdout, /Stopped stream nse/);
    const key = await run('why', 'dedup:default/wait|["mainnet"]');
    assert.match(key.stdout, /^Now: dedup:default\/wait\|\["mainnet"\] is held by job /);
    assert.match(key.stdout, /wait \(mainnet\) is already running/);
    assert.doesNotMatch(key.stdout, /testnet/);
  });

  it('says what is known when it knows no such name, and not when something was decided about it', async () => {
    const unknown = await json(errorDocument, 'why', 'wiat');
    assert.equal(unknown.code, 1);
    assert.equal(unknown.json.error.code, 'not_found');
    assert.match(
      unknown.json.error.remedy ?? '',
      /job types wait, echo; streams nse; schedules hourly/,
    );
    assert.equal((await run('enqueue', 'wiat')).code, 1);
    assert.match(
      (await run('why', 'wiat')).stdout,
      /Refused to enqueue wiat: there is no such job type/,
    );
  });
});
