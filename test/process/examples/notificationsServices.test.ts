import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import * as z from 'zod';
import { PROJECT_ROOT } from '../../harness/workspace.ts';

const PROGRAM = path.join(PROJECT_ROOT, 'examples/notifications/server/services.mjs');

const started = z.tuple([z.object({ port: z.number() })]).rest(z.unknown());
const block = z.object({ height: z.number(), hash: z.string() });

describe('the outside world of the notifications example', () => {
  const servers: ChildProcess[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
  });

  async function serve(...args: string[]): Promise<string> {
    const server = fork(PROGRAM, ['--port', '0', ...args], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    servers.push(server);
    const [{ port }] = started.parse(await once(server, 'message'));
    return `http://127.0.0.1:${port}/chain/mainnet/blocks/latest`;
  }

  it('has a chain that goes on, and the same one for the same seed', async () => {
    const looks = async (seed: string) => {
      const url = await serve('--calm', '--seed', seed);
      const heads: z.infer<typeof block>[] = [];
      for (let look = 0; look < 20; look += 1) {
        heads.push(block.parse(await (await fetch(url)).json()));
      }
      return heads;
    };
    const [one, same, other] = await Promise.all([looks('3'), looks('3'), looks('4')]);
    assert.deepEqual(one, same);
    assert.notDeepEqual(one, other);
    assert.ok((one.at(-1)?.height ?? 0) > (one[0]?.height ?? 0));
  });

  it('fails now and then, as often for the same seed', async () => {
    const failures = async () => {
      const url = await serve('--seed', '3');
      const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(url)));
      for (const answer of answers) assert.ok([200, 500].includes(answer.status));
      return answers.filter(({ status }) => status === 500).length;
    };
    const [one, same] = await Promise.all([failures(), failures()]);
    assert.equal(one, same);
    assert.ok(one > 0 && one < 25, `${one} of 50 failed`);
  });
});
