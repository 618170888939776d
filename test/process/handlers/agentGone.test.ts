import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../../harness/childProcess.ts';
import { runOnce } from './runOnce.ts';
import { RunnerBench } from './runnerBench.ts';
import { onlyPid, waitUntil } from './waitUntil.ts';

const HANDLER = 'behaviours/handler.ts';

describe('a handler process whose agent', function () {
  let bench: RunnerBench;
  const agents: ChildProcess[] = [];

  before(async () => {
    bench = await RunnerBench.create();
  });
  afterEach(async () => {
    for (const agent of agents.splice(0)) agent.kill('SIGKILL');
    await bench.closeRunners();
  });
  after(() => bench.remove());

  async function startAgent(action: string, silenceMs: number) {
    const script = join(import.meta.dirname, 'agentStandIn.ts');
    const args = ['--import', 'tsx', script, bench.programFolder, bench.path(HANDLER), action];
    const agent = spawn(process.execPath, [...args, String(silenceMs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    agents.push(agent);
    let output = '';
    agent.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await waitUntil('the agent has a handler process', () => output.includes('\n'));
    return { agent, handlerPid: Number(output.trim()), output: () => output };
  }

  for (const action of ['ignoreEnd', 'block']) {
    it(`was killed ends, whatever the handler does (${action})`, async () => {
      const { agent, handlerPid } = await startAgent(action, 60_000);
      assert.ok(isAlive(handlerPid));
      agent.kill('SIGKILL');
      await waitUntil('the handler process is gone', () => !isAlive(handlerPid), 2_000);
    });

    it(`is frozen ends after the silence (${action})`, async () => {
      const { agent, handlerPid, output } = await startAgent(action, 600);
      await assertLives(handlerPid, 900);
      agent.kill('SIGSTOP');
      await waitUntil('the handler process is gone', () => !isAlive(handlerPid), 3_000);
      agent.kill('SIGCONT');
      // The handler did nothing wrong: its job goes back and keeps its attempt.
      await waitUntil('the run is told', () => output().includes('failed: lease_lost'), 3_000);
    });
  }

  it('lives goes on after it was stopped itself for longer than the silence', async () => {
    const runner = bench.process(HANDLER, { silenceMs: 600 });
    await runOnce(runner, { do: 'nothing' });
    const pid = onlyPid(runner);
    const slow = runOnce(runner, { do: 'wait', ms: 50, value: 'done' });
    process.kill(pid, 'SIGSTOP');
    await delay(1_000);
    process.kill(pid, 'SIGCONT');
    assert.equal(await slow, 'done');
    await assertLives(pid, 300);
    assert.equal(onlyPid(runner), pid);
  });

  it('lives is named in the list of processes', async function () {
    if (process.platform !== 'linux') this.skip();
    const runner = bench.process(HANDLER);
    await runOnce(runner, { do: 'nothing' });
    const title = readFileSync(`/proc/${onlyPid(runner)}/cmdline`, 'utf8').replaceAll('\0', ' ');
    assert.match(title, /^interlock-handler demo/);
  });
});

/** The point is that nothing happens, so this has to wait. */
async function assertLives(pid: number, forMs: number): Promise<void> {
  const endMs = performance.now() + forMs;
  await waitUntil('the time is over', () => {
    assert.ok(isAlive(pid), 'the process has ended');
    return performance.now() > endMs;
  });
}
