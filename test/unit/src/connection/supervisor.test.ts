import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Problem } from '../../../../src/connection/problem.ts';
import {
  EXIT_WINDOW_MS,
  initialSupervisor,
  MAX_EXITS,
  supervise,
  type SupervisorEffect,
  type SupervisorEvent,
  type SupervisorState,
} from '../../../../src/connection/supervisor.ts';

const crash = (atMs: number): SupervisorEvent => ({ type: 'connectionLost', cause: 'crash', atMs });
const badConfig: Problem = { kind: 'badConfig', message: 'jobs.a.retry is wrong' };
const wanted: SupervisorEvent = { type: 'wanted', want: 'run' };

function play(events: SupervisorEvent[]): { state: SupervisorState; effects: string[] } {
  let state = initialSupervisor;
  const effects: string[] = [];
  for (const event of events) {
    const next = supervise(state, event);
    state = next.state;
    if (next.effect !== undefined) effects.push(next.effect.type);
  }
  return { state, effects };
}

/** From a loss to the next connection. */
const recover: SupervisorEvent[] = [
  { type: 'timerFired' },
  { type: 'noAgent' },
  { type: 'connected' },
];

describe('supervise', () => {
  it('uses an agent that is there', () => {
    const { state, effects } = play([wanted, { type: 'connected' }]);
    assert.deepEqual(effects, ['look']);
    assert.equal(state.phase.kind, 'connected');
  });

  it('starts one where there is none', () => {
    assert.deepEqual(play([wanted, { type: 'noAgent' }]).effects, ['look', 'launch']);
  });

  it('starts none when it may only look', () => {
    const { state, effects } = play([{ type: 'wanted', want: 'watch' }, { type: 'noAgent' }]);
    assert.deepEqual(effects, ['look']);
    assert.equal(state.phase.kind, 'idle');
  });

  it('sends an older agent away first', () => {
    const { effects } = play([wanted, { type: 'olderAgent' }, { type: 'drained' }]);
    assert.deepEqual(effects, ['look', 'drain', 'launch']);
  });

  it('gives up at once on a newer agent', () => {
    const problem: Problem = { kind: 'newerAgent', message: 'newer' };
    const { state } = play([wanted, { type: 'newerAgent', problem }]);
    assert.deepEqual(state.phase, { kind: 'failed', problem });
  });

  it('looks again a moment after a crash, longer after each', () => {
    const { state } = play([wanted, { type: 'connected' }, crash(0)]);
    assert.deepEqual(state.phase, { kind: 'waiting', delayMs: 100 });
    const again = play([wanted, { type: 'connected' }, crash(0), ...recover, crash(1_000)]);
    assert.deepEqual(again.state.phase, { kind: 'waiting', delayMs: 400 });
    assert.deepEqual(again.effects, ['look', 'startTimer', 'look', 'launch', 'startTimer']);
  });

  it(`gives up after ${MAX_EXITS} crashes within the window, with a message`, () => {
    const crashes = Array.from({ length: MAX_EXITS }, (_, n) => [
      crash(n * 1_000),
      ...recover,
    ]).flat();
    const { state } = play([wanted, { type: 'connected' }, ...crashes]);
    const { phase } = state;
    assert.match(phase.kind === 'failed' ? phase.problem.message : phase.kind, /5 times/);
  });

  it('never gives up on crashes that are far apart', () => {
    const apartMs = EXIT_WINDOW_MS / (MAX_EXITS - 1);
    const crashes = Array.from({ length: 50 }, (_, n) => [crash(n * apartMs), ...recover]).flat();
    assert.equal(play([wanted, { type: 'connected' }, ...crashes]).state.phase.kind, 'connected');
  });

  it('tries again with a full budget when a person asks', () => {
    const crashes = Array.from({ length: MAX_EXITS }, (_, n) => [crash(n), ...recover]).flat();
    const { state, effects } = play([
      wanted,
      { type: 'connected' },
      ...crashes,
      { type: 'startRequested' },
    ]);
    assert.equal(state.phase.kind, 'looking');
    assert.deepEqual(state.exitsAtMs, []);
    assert.equal(effects.at(-1), 'look');
  });

  it('does not try again what only a person can mend', () => {
    const failed: SupervisorEvent = { type: 'launchFailed', problem: badConfig, atMs: 0 };
    const { state, effects } = play([wanted, { type: 'noAgent' }, failed]);
    assert.deepEqual(state.phase, { kind: 'failed', problem: badConfig });
    assert.equal(effects.at(-1), 'launch');
  });

  it('leaves an agent alone that was asked to stop elsewhere', () => {
    const asked: SupervisorEvent = { type: 'connectionLost', cause: 'asked', atMs: 0 };
    const { state, effects } = play([wanted, { type: 'connected' }, asked]);
    assert.equal(state.phase.kind, 'idle');
    assert.deepEqual(effects, ['look']);
    assert.deepEqual(
      play([wanted, { type: 'connected' }, asked, { type: 'agentMayBeThere' }, { type: 'noAgent' }])
        .effects,
      ['look', 'look'],
    );
  });

  it('stops, and does not take the end of the connection for a crash', () => {
    const { state, effects } = play([
      wanted,
      { type: 'connected' },
      { type: 'stopRequested' },
      crash(0),
      { type: 'stopped' },
    ]);
    assert.equal(state.phase.kind, 'idle');
    assert.deepEqual(effects, ['look', 'stop']);
  });

  it('restarts: stops, then starts', () => {
    const { effects } = play([
      wanted,
      { type: 'connected' },
      { type: 'restartRequested' },
      { type: 'stopped' },
    ]);
    assert.deepEqual(effects, ['look', 'stop', 'launch']);
  });

  it('starts again when a person asks while it stops', () => {
    const { effects } = play([
      wanted,
      { type: 'connected' },
      { type: 'stopRequested' },
      { type: 'startRequested' },
      { type: 'stopped' },
    ]);
    assert.equal(effects.at(-1), 'launch');
  });

  it('never starts an agent while it may only look, whatever happens', () => {
    const events: fc.Arbitrary<SupervisorEvent> = fc.oneof(
      fc.constantFrom<SupervisorEvent>(
        { type: 'wanted', want: 'watch' },
        { type: 'agentMayBeThere' },
        { type: 'connected' },
        { type: 'noAgent' },
        { type: 'olderAgent' },
        { type: 'stopRequested' },
        { type: 'stopped' },
        { type: 'timerFired' },
      ),
      fc.nat(1_000_000).map(crash),
    );
    fc.assert(
      fc.property(fc.array(events), (all) => {
        assert.ok(!play(all).effects.includes('launch' satisfies SupervisorEffect['type']));
      }),
    );
  });
});
