import assert from 'node:assert/strict';
import { runCli } from '../../../../agent/cli/program.ts';
import { FakeIo } from './fakeIo.ts';

async function run(...args: string[]) {
  const io = new FakeIo({ INTERLOCK_STATE_DIR: '/nowhere/state' });
  const code = await runCli(args, io);
  return { code, out: io.out.join(''), err: io.err.join('') };
}

describe('the command line', () => {
  const wrong: [string, string[], RegExp][] = [
    ['no command', [], /interlock needs a command: up, agent, start.*\n.*interlock --help/],
    ['an unknown command', ['stattus'], /Unknown command 'stattus'.*\nDid you mean status\?/],
    ['an unknown flag', ['status', '--jsn'], /Unknown option '--jsn'.*\nDid you mean --json\?/],
    ['a missing argument', ['enqueue'], /Missing required argument 'type'.*\n.*enqueue --help/],
    ['too many arguments', ['queues', 'x'], /Too many arguments for 'queues'/],
    ['an unknown command of a group', ['streams', 'go', 'x'], /\nIts commands are start, stop/],
    ['a group without command', ['simulate'], /interlock simulate needs a command: duplicates, /],
    ['a flag without value', ['up', '--for'], /Option '--for <duration>' argument missing/],
    ['data that is not JSON', ['enqueue', 't', '--data', '{'], /--data: expected JSON, such as/],
    [
      'a count of nothing',
      ['enqueue', 't', '--count', '0'],
      /--count: expected a whole number from 1/,
    ],
    ['a bad duration', ['up', '--for', 'soon'], /--for: expected a duration such as 20s.*"soon"/],
    ['a bad state', ['jobs', '--state', 'done'], /--state: expected one of waiting, active/],
    ['two bad values', ['jobs', '--state', 'x', '--limit', 'y'], /--state: .*\n--limit: expected/],
    [
      'a bad role',
      ['agent', '--role', 'king'],
      /--role is "king".*\nUse one of api, calls, worker/,
    ],
    ['one bad role of two', ['start', '--role', 'api,king'], /--role is "api,king"/],
    ['nothing to requeue', ['requeue'], /No job is named.*\n.*--all-failed/],
    ['a removal without consent', ['remove', 'j1'], /needs a confirmation.*\nAdd --yes/],
    ['a payload that is no JSON', ['rerun', 'j1', '--data', '{'], /--data: expected JSON/],
    ['no job to run again', ['rerun'], /Missing required argument 'id'/],
    ['an unknown status', ['history', '--status', 'x'], /--status: expected one of running, compl/],
    [
      'a bad age',
      ['history', '--running-longer-than', 'x'],
      /--running-longer-than: expected a dur/,
    ],
    ['an end of one look', ['monitor', '--for', '5s'], /--for: .*without --continuous/],
    ['a bad shard', ['streams', 'rotate', 'nse', '--shard', 'x'], /--shard: expected a whole num/],
    ['too many symbols', ['streams', 'symbols', 'nse', '--limit', '1001'], /--limit: .* 1 to 1000/],
    ['no symbol to add', ['streams', 'add', 'nse'], /Missing required argument 'symbols'/],
    ['an empty list of symbols', ['streams', 'remove', 'nse', ',,'], /No symbol is named/],
    ['no lock to release', ['locks', 'release'], /Missing required argument 'name'/],
  ];
  for (const [what, args, message] of wrong) {
    it(`refuses ${what}: exit code 2, and says what to do`, async () => {
      const { code, out, err } = await run(...args);
      assert.match(err, message);
      assert.equal(code, 2);
      assert.equal(out, '');
    });
  }

  it('tells errors as one JSON document on stdout when --json is anywhere', async () => {
    for (const args of [
      ['--json', 'stattus'],
      ['status', '--json', '--nope'],
      ['enqueue', 't', '--data', 'x', '--json'],
    ]) {
      const { code, out, err } = await run(...args);
      const { error } = JSON.parse(out) as { error: Record<string, unknown> };
      assert.equal(error['code'], 'bad_usage');
      assert.deepEqual(Object.keys(error), ['code', 'message', 'remedy']);
      assert.equal(err, '');
      assert.equal(code, 2);
    }
  });

  it('takes what follows -- for no flag', async () => {
    const { out } = await run('job', '--', '--json');
    assert.equal(out, '');
  });

  it('says that no agent runs: exit code 3', async () => {
    const lists = ['jobs', 'queues', 'streams', 'schedules', 'locks', 'history'];
    const commands = ['status', 'monitor', ...lists, 'stop'];
    for (const command of [...commands.map((name) => [name]), ['job', 'x'], ['pause', 'default']]) {
      const { code, err } = await run(...command);
      assert.match(err, /No agent runs for .*state folder \/nowhere\/state/, command.join(' '));
      assert.equal(code, 3);
    }
  });

  it('prints help and version on stdout', async () => {
    const help = await run('--help');
    assert.match(help.out, /Usage: interlock/);
    assert.match(help.out, /Exit codes: 0 done/);
    assert.equal(help.code, 0);
    const own = await run('enqueue', '--help');
    assert.match(own.out, /--count <n>/);
    assert.match(own.out, /A refusal is an answer too/);
    assert.match((await run('--version')).out, /^\d+\.\d+\.\d+\n$/);
  });

  it('takes the common options before and after the command', async () => {
    const before = await run('--state-dir', '/elsewhere', 'status');
    const after = await run('status', '--state-dir', '/elsewhere');
    assert.match(before.err, /state folder \/elsewhere/);
    assert.equal(before.err, after.err);
  });
});
