import assert from 'node:assert/strict';
import * as path from 'node:path';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import { runCli } from '../../../agent/cli/program.ts';
import { decision } from '../../../agent/protocol/decision.ts';
import { lockRow } from '../../../agent/protocol/model.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { makeWorkspace, WAIT_HANDLER, type TestWorkspace } from '../../harness/workspace.ts';
import { FakeIo } from '../../unit/agent/cli/fakeIo.ts';
import { errorDocument } from './errorDocument.ts';
import { interlock, interlockJson } from './interlock.ts';

const rows = z.array(lockRow);
const THRESHOLDS = { warnAfter: '1ms', emergencyAfter: '1h' };

describe('interlock locks', () => {
  let server: RedisServer;
  let redis: Redis;
  let workspace: TestWorkspace;
  const run = (...args: string[]) => interlock(workspace, ...args);
  const json = <S extends z.ZodType>(schema: S, ...args: string[]) =>
    interlockJson(workspace, schema, ...args);

  before(async () => {
    server = await RedisServer.start();
    redis = server.client();
    workspace = makeWorkspace(
      {
        redis: { url: server.url },
        jobs: { wait: { handler: './wait.ts', unique: { by: ['network'] } } },
        locks: { watch: ['redlock:*'], ...THRESHOLDS },
      },
      { 'wait.ts': WAIT_HANDLER },
    );
    assert.equal((await run('start')).code, 0);
  });
  after(async () => {
    await run('stop');
    await server.stop();
    workspace.remove();
  });

  const until = () => path.join(workspace.folder, 'done');

  it('shows a run with holder, fence and age, and the uniqueness key beside it', async () => {
    const data = JSON.stringify({ network: 'mainnet', until: until() });
    assert.equal((await run('enqueue', 'wait', '--data', data)).code, 0);
    const [lock] = await eventually('the run', async () => {
      const { json: found } = await json(rows, 'locks', '--kind', 'run');
      return found.length === 1 && found;
    });
    assert.ok(lock !== undefined);
    assert.equal(lock.subject, 'wait [mainnet]');
    assert.ok(lock.holder?.alive === true && (lock.fence ?? 0) > 0 && (lock.ageMs ?? 0) > 0);
    const { json: both } = await json(rows, 'locks', '--search', 'mainnet', '--limit', '10');
    assert.deepEqual(both.map(({ kind }) => kind).sort(), ['dedup', 'run']);
    assert.deepEqual((await json(rows, 'locks', '--older-than', '1h')).json, []);
    const text = await run('locks', '--kind', 'run');
    assert.match(
      text.stdout,
      new RegExp(`^name +kind +state +holder .*\\n${lock.name} +run +held`),
    );
    assert.match(text.stdout, / ms?, warning| s, warning/);
    assert.match((await run('locks', '--limit', '1')).stdout, /1 of \d+ are shown/);
    assert.match((await run('locks', '--search', 'zzz')).stdout, /No lock matches/);
  });

  it('refuses to release what a live process holds, and says what there is to do: exit code 1', async () => {
    const { json: found } = await json(rows, 'locks', '--kind', 'run');
    const name = found[0]?.name ?? '';
    const refused = await json(decision, 'locks', 'release', name);
    assert.equal(refused.code, 1);
    assert.deepEqual(
      [refused.json.action, refused.json.outcome, refused.json.reason],
      ['release', 'refused', 'holder_alive'],
    );
    const text = await run('locks', 'release', name);
    assert.match(
      text.stdout,
      /^Refused to release the lock of job .* is alive \(rule: holder_alive\)\.\nWait until .*--force/,
    );
    assert.equal((await json(rows, 'locks', '--kind', 'run')).json.length, 1);
  });

  it('releases it by force where nobody can be asked: the run loses it', async () => {
    const [before] = (await json(rows, 'locks', '--kind', 'run')).json;
    assert.ok(before?.job);
    const forced = await json(decision, 'locks', 'release', before.name, '--force');
    assert.equal(forced.code, 0);
    assert.equal(forced.json.reason, 'released_by_person');
    // The job is there still, and runs again under a higher token when it does.
    await eventually('another run', async () => {
      const [now] = (await json(rows, 'locks', '--kind', 'run')).json;
      return now?.job?.id === before.job?.id && (now?.fence ?? 0) > (before.fence ?? 0);
    });
  });

  it("releases what is nobody's for the asking", async () => {
    const key = 'bull:default:de:wait|["old"]';
    const released = await eventually('a release', async () => {
      // The agent removes orphans itself: it may be quicker.
      await redis.set(key, 'nobody');
      const end = await run('locks', 'release', 'dedup:default/wait|["old"]');
      return end.code === 0 && end.stdout;
    });
    assert.match(
      released,
      /^Released the lock of job nobody of wait \(old\): it belonged to nobody/,
    );
    assert.equal(await redis.exists(key), 0);
  });

  it('asks a person for the name of the lock before it releases by force', async () => {
    const name = 'watched:redlock:orders';
    await redis.set('redlock:orders', 'x', 'PX', 600_000);
    await eventually('it to be seen', async () =>
      (await json(rows, 'locks', '--kind', 'watched')).json.some((row) => row.name === name),
    );
    const release = async (typed: string, ...flags: string[]) => {
      const questions: string[] = [];
      const io = Object.assign(new FakeIo({ INTERLOCK_STATE_DIR: workspace.stateFolder }), {
        ...{ cwd: workspace.folder, canAsk: true },
        ask: (question: string) => {
          questions.push(question);
          return Promise.resolve(typed);
        },
      });
      const code = await runCli(['locks', 'release', name, ...flags], io);
      return { code, questions: questions.length, out: io.out.join(''), err: io.err.join('') };
    };
    const wrong = await release('redlock:orders', '--force');
    assert.deepEqual([wrong.code, wrong.questions, wrong.out], [1, 1, 'Nothing was released.\n']);
    assert.match(wrong.err, /^watched:redlock:orders is held by a holder that is not known here/);
    assert.equal(await redis.exists('redlock:orders'), 1);
    // Without --force there is nothing to confirm.
    assert.deepEqual(await release(name).then(({ code, questions }) => [code, questions]), [1, 0]);
    const right = await release(` ${name} `, '--force');
    assert.deepEqual([right.code, right.questions], [0, 1]);
    assert.match(right.out, /^Released the lock redlock:orders: a person asked for it/);
    assert.equal(await redis.exists('redlock:orders'), 0);
    await redis.set('redlock:orders', 'x');
    const quiet = await eventually('it to be seen again', async () => {
      const end = await release('', '--force', '--yes');
      return end.code === 0 && end;
    });
    assert.equal(quiet.questions, 0);
  });

  it('says that there is no such lock', async () => {
    const missing = await json(errorDocument, 'locks', 'release', 'stream:none', '--force');
    assert.equal(missing.code, 1);
    assert.equal(missing.json.error.code, 'not_found');
  });
});
