import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CloseCause } from '../../../../agent/streams/connection/closeCause.ts';
import {
  beginConnection,
  hasSocket,
  stepConnection,
  troubleOf,
  UNBORN_CONNECTION,
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionModel,
  type ConnectionRules,
  type ConnectionStep,
  type ConnectionTimer,
} from '../../../../agent/streams/connection/connectionState.ts';
import {
  CONNECTION_TIMINGS,
  DEAD_NOTICED_WITHIN_MS,
  SUBSCRIBED_AGAIN_WITHIN_MS,
  wholeFrameWithinMs,
  worstNoticeMs,
  worstRecoveryMs,
} from '../../../../agent/streams/connection/connectionTimings.ts';

const RULES: ConnectionRules = {
  ...{ maxRetries: 0, timings: CONNECTION_TIMINGS, maxLifetimeMs: null },
};
const BROKEN: CloseCause = { kind: 'close', code: 1006, reason: '' };

function run(events: ConnectionEvent[], rules = RULES): ConnectionStep {
  return events.reduce(
    (step, event) => stepConnection(step.model, event, rules),
    beginConnection(),
  );
}

const turn: ConnectionEvent = { type: 'turn' };
const opened: ConnectionEvent = { type: 'opened' };
const sent: ConnectionEvent = { type: 'subscriptions_sent' };
const frame: ConnectionEvent = { type: 'frame', isPong: false };
const pong: ConnectionEvent = { type: 'frame', isPong: true };
const broke: ConnectionEvent = { type: 'gone', cause: BROKEN };
const retry: ConnectionEvent = { type: 'retry_due' };
const silent = (silentForMs: number, noFrameForMs = silentForMs, pingWaits = false) => {
  const silence: ConnectionEvent = {
    ...{ type: 'silence_check', silentForMs, noFrameForMs, pingWaits },
  };
  return silence;
};
/** From the turn to the pong. */
const toLive = [turn, opened, sent, pong];

describe('one connection', () => {
  it('waits for its turn, and says why, with what failed before', () => {
    const waits: ConnectionEvent = {
      type: 'turn_waits',
      wait: { why: 'Waits for its turn.', forPlace: false },
    };
    assert.deepEqual(beginConnection().effects, [{ type: 'await_turn' }]);
    const first = run([waits]);
    assert.equal(first.model.state, 'connecting');
    assert.equal(hasSocket(first.model), false);
    assert.equal(troubleOf(first.model), 'Waits for its turn.');
    const again = run([turn, broke, retry, waits]);
    assert.match(
      troubleOf(again.model) ?? '',
      /^Waits for its turn\. Before: The connection broke/,
    );
    const begun = run([waits, turn]);
    assert.deepEqual(
      begun.effects.map(({ type }) => type),
      ['set_timer', 'open_socket'],
    );
    assert.equal(troubleOf(begun.model), null);
  });

  it('is live when a pong proves that the server has read every subscription', () => {
    const { model, effects } = run([turn, opened]);
    assert.equal(model.state, 'subscribing');
    assert.deepEqual(effects.at(-1), { type: 'subscribe' });
    // A pong before that, and a tick of the first symbols, prove less.
    assert.equal(run([turn, opened, pong, frame]).model.state, 'subscribing');
    assert.deepEqual(run([turn, opened, sent]).effects.at(-1), { type: 'ping' });
    assert.equal(run([turn, opened, sent, frame]).model.state, 'subscribing');
    assert.equal(run([turn, opened, sent, pong]).model.state, 'live');
  });

  it('is live without a pong when the server answers no pings but speaks', () => {
    const due: ConnectionEvent = { type: 'confirm_due' };
    assert.equal(run([turn, opened, sent, frame, due]).model.state, 'live');
    assert.equal(run([turn, opened, frame, sent, due]).model.state, 'subscribing');
    const mute = [turn, opened, sent, due];
    assert.equal(run(mute).model.state, 'subscribing');
    assert.equal(run([...mute, frame]).model.state, 'live');
  });

  it('asks for proof again when other symbols are wanted meanwhile', () => {
    const changed: ConnectionEvent = { type: 'symbols_changed' };
    const events = [turn, opened, sent, changed, pong];
    assert.equal(run(events).model.state, 'subscribing');
    assert.deepEqual(run([...events, sent]).effects.at(-1), { type: 'ping' });
    assert.equal(run([...events, sent, pong]).model.state, 'live');
    assert.equal(run([...toLive, changed]).model.state, 'live');
  });

  it('keeps its promised times with the timings of every day', () => {
    assert.ok(worstNoticeMs(CONNECTION_TIMINGS) <= DEAD_NOTICED_WITHIN_MS);
    assert.ok(worstRecoveryMs(CONNECTION_TIMINGS) <= SUBSCRIBED_AGAIN_WITHIN_MS);
    assert.deepEqual([DEAD_NOTICED_WITHIN_MS, SUBSCRIBED_AGAIN_WITHIN_MS], [10_000, 15_000]);
    const { stableAfterMs, pingAfterSilenceMs, answerWithinMs } = CONNECTION_TIMINGS;
    assert.ok(stableAfterMs > pingAfterSilenceMs + answerWithinMs, 'a mute server is never stable');
  });

  it('asks with a ping after silence, and cuts a socket that does not answer', () => {
    const { pingAfterSilenceMs, answerWithinMs } = CONNECTION_TIMINGS;
    const asked = run([...toLive, silent(pingAfterSilenceMs)]);
    assert.equal(asked.model.state, 'stale');
    assert.ok(asked.effects.some(({ type }) => type === 'ping'));
    assert.deepEqual(timerOf(asked.effects, 'silence'), answerWithinMs);
    const dead = stepConnection(asked.model, silent(9_000), RULES);
    assert.equal(dead.model.state, 'backing_off');
    assert.ok(dead.effects.some(({ type }) => type === 'drop_socket'));
    assert.match(dead.model.trouble ?? '', /No frame for 9 s/);
  });

  it('gives a big frame time to come in whole, but not for ever', () => {
    const receiving = run([...toLive, silent(100, 6_000)]);
    assert.equal(receiving.model.state, 'live');
    assert.equal(timerOf(receiving.effects, 'silence'), 4_900);
    const paused = run([...toLive, silent(5_000, 9_000)]);
    assert.equal(paused.model.state, 'stale');
    const goesOn = stepConnection(paused.model, silent(500, 13_000), RULES);
    assert.equal(goesOn.model.state, 'stale');
    assert.equal(timerOf(goesOn.effects, 'silence'), 3_500);
    const forEver = silent(100, wholeFrameWithinMs(CONNECTION_TIMINGS));
    const asked = run([...toLive, forEver]);
    assert.equal(asked.model.state, 'stale');
    assert.equal(stepConnection(asked.model, forEver, RULES).model.state, 'backing_off');
  });

  it('proves nothing by silence while the ping waits for its turn', () => {
    const asked = run([...toLive, silent(5_000)]);
    const waiting = stepConnection(asked.model, silent(9_000, 9_000, true), RULES);
    assert.equal(waiting.model.state, 'stale');
    assert.equal(stepConnection(waiting.model, silent(13_000), RULES).model.state, 'backing_off');
  });

  it('gives a whole answer time after a ping, even when this process slept for an hour', () => {
    const asked = run([...toLive, silent(3_600_000)]);
    assert.equal(asked.model.state, 'stale');
    assert.equal(stepConnection(asked.model, frame, RULES).model.state, 'live');
  });

  it('looks again when the silence began later', () => {
    const { model, effects } = run([...toLive, silent(1_200)]);
    assert.equal(model.state, 'live');
    assert.equal(timerOf(effects, 'silence'), 3_800);
  });

  it('gives a slow server longer with each failure, up to four times as long', () => {
    const timeouts = [0, 1, 2, 3, 9].map((failures) => {
      const model = { ...beginConnection().model, failures };
      return timerOf(stepConnection(model, turn, RULES).effects, 'connect');
    });
    assert.deepEqual(timeouts, [5_000, 10_000, 20_000, 20_000, 20_000]);
  });

  it('forgets failures only after a stable time', () => {
    const flapping = run([...toLive, broke, retry, ...toLive, broke]);
    assert.equal(flapping.model.failures, 2);
    assert.deepEqual(flapping.effects.at(-1), { type: 'back_off', failures: 1, atLeastMs: 0 });
    const stable = run([turn, broke, retry, ...toLive, { type: 'stable' }]);
    assert.equal(stable.model.failures, 0);
  });

  it('tries again after a break, not before the server wants it', () => {
    assert.equal(run([turn, opened, broke]).model.state, 'backing_off');
    const retryAfter = { delayMs: 60_000, until: '2026-01-31T09:16:00.000Z' };
    const cause: CloseCause = { kind: 'http', status: 503, retryAfter };
    const { model, effects } = run([turn, { type: 'gone', cause }]);
    assert.deepEqual(effects.at(-1), { type: 'back_off', failures: 0, atLeastMs: 60_000 });
    assert.match(model.trouble ?? '', /until 2026-01-31T09:16:00/);
  });

  it('waits for a person when only a person can help, and goes on when told to', () => {
    const cause: CloseCause = { kind: 'http', status: 401 };
    const suspended = run([turn, broke, retry, turn, { type: 'gone', cause }]);
    assert.equal(suspended.model.state, 'suspended');
    assert.match(suspended.model.trouble ?? '', /HTTP 401.*then resume the stream\.$/);
    const resumed = stepConnection(suspended.model, { type: 'resume' }, RULES);
    assert.deepEqual([resumed.model.state, resumed.model.failures], ['connecting', 0]);
    assert.deepEqual(resumed.effects, [{ type: 'await_turn' }]);
  });

  it('is not resumed in any other state', () => {
    for (const events of [[], [turn], [turn, opened], toLive, [turn, broke]]) {
      const { model } = run(events);
      assert.deepEqual(stepConnection(model, { type: 'resume' }, RULES), { model, effects: [] });
    }
  });

  it('gives up after maxRetries and says how to go on', () => {
    const rules = { ...RULES, maxRetries: 2 };
    const fails = [turn, broke, retry];
    assert.equal(run([...fails, turn, broke], rules).model.state, 'backing_off');
    const { model } = run([...fails, ...fails, turn, broke], rules);
    assert.equal(model.state, 'suspended');
    assert.match(model.trouble ?? '', /Gave up after 2 retries.*Resume the stream/);
  });

  it('asks to be replaced before its longest time is over, and stays live', () => {
    const rules = { ...RULES, maxLifetimeMs: 86_400_000 };
    const { effects } = run([turn, opened], rules);
    assert.ok(effects.some(({ type }) => type === 'plan_rotation'));
    const due: ConnectionEvent = { type: 'rotate_due' };
    const { model, effects: wanted } = run([...toLive, due], rules);
    assert.equal(model.state, 'live');
    assert.deepEqual(wanted, [{ type: 'want_rotation' }]);
    assert.deepEqual(run([turn, broke, due], rules).effects, []);
  });

  it('holds its promises whatever happens in whatever order', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), fc.nat(4), (events, maxRetries) => {
        const world = new World({ ...RULES, maxRetries });
        for (const event of events) world.feed(event);
      }),
      { numRuns: 2_000 },
    );
  });
});

const anyCause: fc.Arbitrary<CloseCause> = fc.oneof(
  fc.record({
    kind: fc.constant('close' as const),
    code: fc.constantFrom(1000, 1001, 1002, 1003, 1006, 1008, 1011, 4001),
    reason: fc.string(),
  }),
  fc.record({
    kind: fc.constant('http' as const),
    status: fc.constantFrom(200, 301, 401, 404, 429, 503),
    retryAfter: fc.constantFrom(undefined, { delayMs: 5_000, until: 'then' }),
  }),
  fc.record({ kind: fc.constantFrom('error' as const, 'unusable' as const), message: fc.string() }),
);

const anyEvent: fc.Arbitrary<ConnectionEvent> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(turn, opened, sent, frame, pong, retry) },
  { weight: 3, arbitrary: anyCause.map((cause): ConnectionEvent => ({ type: 'gone', cause })) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<ConnectionEvent>(
      { type: 'connect_timeout' },
      ...([{ type: 'stable' }, { type: 'rotate_due' }, { type: 'resume' }] as const),
      ...([
        { type: 'turn_waits', wait: { why: 'busy', forPlace: true } },
        { type: 'symbols_changed' },
      ] as const),
      { type: 'confirm_due' },
      ...[silent(100), silent(6_000), silent(100, 60_000), silent(9_000, 9_000, true)],
    ),
  },
  {
    weight: 1,
    arbitrary: fc.boolean().map((politely): ConnectionEvent => ({ type: 'stop', politely })),
  },
);

/** Does what a driver does with the effects, and checks the promises after each event. */
class World {
  private model: ConnectionModel = UNBORN_CONNECTION;
  private sockets = 0;
  private queued = false;
  private readonly timers = new Set<ConnectionTimer>();

  constructor(private readonly rules: ConnectionRules) {
    const first = beginConnection();
    this.model = first.model;
    this.carryOut(first.effects);
  }

  feed(event: ConnectionEvent): void {
    const before = this.model;
    const { model, effects } = stepConnection(before, event, this.rules);
    if (before.state === 'closed') {
      assert.equal(model, before, 'closed is final');
      assert.deepEqual(effects, []);
    }
    if (before.state === 'suspended' && model.state !== 'suspended') {
      assert.ok(event.type === 'stop' || event.type === 'resume', 'only a person ends that');
    }
    this.model = model;
    this.carryOut(effects);
    this.check();
  }

  private carryOut(effects: ConnectionEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'await_turn') {
        assert.equal(this.queued, false, 'never in the queue twice');
        this.queued = true;
      }
      if (effect.type === 'open_socket') {
        this.sockets += 1;
        this.queued = false;
      }
      if (effect.type === 'drop_socket') {
        this.sockets = 0;
        this.queued = false;
      }
      if (effect.type === 'ping') assert.equal(this.sockets, 1, 'pings over a socket');
      if (effect.type === 'subscribe') assert.equal(this.sockets, 1, 'subscribes on a socket');
      if (effect.type === 'set_timer') this.timers.add(effect.timer);
      if (effect.type === 'back_off') this.timers.add('retry');
      if (effect.type === 'clear_timer') this.timers.delete(effect.timer);
      if (effect.type === 'clear_timers') this.timers.clear();
      assert.ok(this.sockets <= 1, 'never two sockets');
    }
  }

  private check(): void {
    const { state, trouble, phase } = this.model;
    assert.equal(this.queued, phase === 'turn');
    assert.equal(this.sockets, hasSocket(this.model) ? 1 : 0, `sockets in ${state}`);
    const needed: Partial<Record<typeof state, ConnectionTimer>> = {
      ...{ subscribing: 'silence', live: 'silence', stale: 'silence', backing_off: 'retry' },
      ...(this.queued ? {} : { connecting: 'connect' }),
    };
    const timer = needed[state];
    if (timer !== undefined) assert.ok(this.timers.has(timer), `${state} is left by a timer`);
    if (state === 'suspended' || state === 'closed') assert.equal(this.timers.size, 0);
    if (state === 'suspended' || state === 'backing_off') assert.notEqual(trouble, null);
    if (state === 'live') assert.equal(trouble, null);
  }
}

function timerOf(effects: ConnectionEffect[], timer: ConnectionTimer): number | undefined {
  for (const effect of effects) {
    if (effect.type === 'set_timer' && effect.timer === timer) return effect.delayMs;
  }
  return undefined;
}
