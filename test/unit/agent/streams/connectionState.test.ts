import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CloseCause } from '../../../../agent/streams/closeCause.ts';
import {
  beginConnection,
  CONNECTION_TIMINGS,
  hasSocket,
  stepConnection,
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionModel,
  type ConnectionRules,
  type ConnectionStep,
  type ConnectionTimer,
} from '../../../../agent/streams/connectionState.ts';

const RULES: ConnectionRules = { maxRetries: 0, timings: CONNECTION_TIMINGS };
const BROKEN: CloseCause = { kind: 'close', code: 1006, reason: '' };

function run(events: ConnectionEvent[], rules = RULES): ConnectionStep {
  return events.reduce(
    (step, event) => stepConnection(step.model, event, rules),
    beginConnection(rules),
  );
}

const opened: ConnectionEvent = { type: 'opened' };
const frame: ConnectionEvent = { type: 'frame' };
const broke: ConnectionEvent = { type: 'gone', cause: BROKEN };
const retry: ConnectionEvent = { type: 'retry_due' };
const silent = (silentForMs: number): ConnectionEvent => ({ type: 'silence_check', silentForMs });

describe('one connection', () => {
  it('is live at the first frame, of whatever kind', () => {
    const { model, effects } = run([opened]);
    assert.equal(model.state, 'subscribing');
    assert.deepEqual(effects.slice(-2), [{ type: 'ping' }, { type: 'subscribe' }]);
    assert.equal(run([opened, frame]).model.state, 'live');
  });

  it('asks with a ping after silence, and cuts a socket that does not answer within 10 s', () => {
    const { pingAfterSilenceMs, answerWithinMs } = CONNECTION_TIMINGS;
    assert.ok(pingAfterSilenceMs + answerWithinMs < 10_000);
    const asked = run([opened, frame, silent(pingAfterSilenceMs)]);
    assert.equal(asked.model.state, 'stale');
    assert.ok(asked.effects.some(({ type }) => type === 'ping'));
    assert.deepEqual(timerOf(asked.effects, 'silence'), answerWithinMs);
    const dead = stepConnection(asked.model, silent(9_000), RULES);
    assert.equal(dead.model.state, 'backing_off');
    assert.ok(dead.effects.some(({ type }) => type === 'drop_socket'));
    assert.match(dead.model.trouble ?? '', /No frame for 9 s/);
  });

  it('gives a whole answer time after a ping, even when this process slept for an hour', () => {
    const asked = run([opened, frame, silent(3_600_000)]);
    assert.equal(asked.model.state, 'stale');
    assert.equal(stepConnection(asked.model, frame, RULES).model.state, 'live');
  });

  it('looks again when the silence began later', () => {
    const { model, effects } = run([opened, frame, silent(1_200)]);
    assert.equal(model.state, 'live');
    assert.equal(timerOf(effects, 'silence'), 3_800);
  });

  it('forgets failures only after a stable time', () => {
    const flapping = run([opened, frame, broke, retry, opened, frame, broke]);
    assert.equal(flapping.model.failures, 2);
    assert.deepEqual(flapping.effects.at(-1), { type: 'back_off', failures: 1 });
    const stable = run([broke, retry, opened, frame, { type: 'stable' }]);
    assert.equal(stable.model.failures, 0);
  });

  it('tries again after a break and a polite end of the server', () => {
    for (const code of [1000, 1001, 1006, 1011, 1012, 4000]) {
      const cause: CloseCause = { kind: 'close', code, reason: '' };
      assert.equal(run([opened, { type: 'gone', cause }]).model.state, 'backing_off');
    }
    const cause: CloseCause = { kind: 'http', status: 503 };
    assert.equal(run([{ type: 'gone', cause }]).model.state, 'backing_off');
  });

  it('waits for a person when only a person can help, and says what to do', () => {
    const causes: CloseCause[] = [
      ...[401, 403, 404, 410, 426].map((status) => ({ kind: 'http', status }) as const),
      ...[1002, 1003, 1008].map((code) => ({ kind: 'close', code, reason: 'no' }) as const),
      { kind: 'unusable', message: 'Invalid URL' },
    ];
    for (const cause of causes) {
      const { model } = run([{ type: 'gone', cause }]);
      assert.equal(model.state, 'suspended');
      assert.match(model.trouble ?? '', /then restart the stream\.$/);
    }
  });

  it('gives up after maxRetries and says how to go on', () => {
    const rules = { ...RULES, maxRetries: 2 };
    assert.equal(run([broke, retry, broke], rules).model.state, 'backing_off');
    const { model } = run([broke, retry, broke, retry, broke], rules);
    assert.equal(model.state, 'suspended');
    assert.match(model.trouble ?? '', /Gave up after 2 retries.*Restart the stream/);
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
  }),
  fc.record({ kind: fc.constantFrom('error' as const, 'unusable' as const), message: fc.string() }),
);

const anyEvent: fc.Arbitrary<ConnectionEvent> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(opened, frame, retry) },
  { weight: 3, arbitrary: anyCause.map((cause): ConnectionEvent => ({ type: 'gone', cause })) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<ConnectionEvent>(
      { type: 'connect_timeout' },
      { type: 'stable' },
      silent(100),
      silent(6_000),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.boolean().map((politely): ConnectionEvent => ({ type: 'stop', politely })),
  },
);

/** Does what a driver does with the effects, and checks the promises after each event. */
class World {
  private model: ConnectionModel;
  private sockets = 0;
  private readonly timers = new Set<ConnectionTimer>();

  constructor(private readonly rules: ConnectionRules) {
    const first = beginConnection(rules);
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
      assert.equal(event.type, 'stop', 'only a person ends a suspension');
    }
    this.model = model;
    this.carryOut(effects);
    this.check();
  }

  private carryOut(effects: ConnectionEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'open_socket') this.sockets += 1;
      if (effect.type === 'drop_socket') this.sockets = 0;
      if (effect.type === 'subscribe') assert.equal(this.sockets, 1, 'subscribes on a socket');
      if (effect.type === 'set_timer') this.timers.add(effect.timer);
      if (effect.type === 'back_off') this.timers.add('retry');
      if (effect.type === 'clear_timer') this.timers.delete(effect.timer);
      if (effect.type === 'clear_timers') this.timers.clear();
      assert.ok(this.sockets <= 1, 'never two sockets');
    }
  }

  private check(): void {
    const { state, trouble } = this.model;
    assert.equal(this.sockets, hasSocket(this.model) ? 1 : 0, `sockets in ${state}`);
    const needed: Partial<Record<typeof state, ConnectionTimer>> = {
      ...{ connecting: 'connect', subscribing: 'silence', live: 'silence', stale: 'silence' },
      backing_off: 'retry',
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
