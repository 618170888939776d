import assert from 'node:assert/strict';
import type { LockRow } from '../../../../agent/protocol/model.ts';
import { fullTtlMs, lockLevel, ttlLeftMs } from '../../../../src/model/lockClock.ts';
import { describeLock, lockFacts, releaseReason } from '../../../../src/present/lockText.ts';
import { agentRow, at, holder, lockRow, NOW_MS, plain } from '../rows.ts';

const { thresholds } = agentRow();

function nowOf(lock: LockRow, nowMs = NOW_MS) {
  return {
    nowMs,
    level: lockLevel(lock, nowMs, thresholds),
    ttlLeftMs: ttlLeftMs(lock, nowMs, undefined),
  };
}

function describeAt(fields: Partial<LockRow>, nowMs = NOW_MS): string {
  const lock = lockRow(fields);
  return describeLock(lock, nowOf(lock, nowMs), plain);
}

describe('rows of locks', () => {
  it('tell age, holder, what is left of the TTL, and fence', () => {
    assert.equal(describeAt({}), '3 min 20 s · devbox:4711 all · TTL 1 min 10 s · fence 12');
  });

  it('tick without a round trip', () => {
    assert.match(describeAt({}, NOW_MS + 5_000), /^3 min 25 s · .* · TTL 1 min 5 s · /);
    assert.match(describeAt({}, NOW_MS + 300_000), / · TTL 0 s · /);
    assert.match(describeAt({ acquiredAt: at(-0.2) }), /^0 s · devbox/);
  });

  it('put what is wrong first', () => {
    const dead = { state: 'holder_dead', holder: { ...holder, alive: false } } as const;
    assert.match(describeAt(dead), /^holder ended · 3 min 20 s · devbox:4711 all · /);
    assert.match(describeAt({ state: 'paused' }), /^holder is stopped · /);
    assert.match(describeAt({ state: 'expiring' }), /^not renewed · /);
    assert.match(describeAt({ state: 'orphaned', holder: null }), /^orphaned · 3 min 20 s · TTL/);
  });

  it('name the level of an age over a threshold, for runs only', () => {
    const run = { kind: 'run', acquiredAt: at(-1_800) } as const;
    assert.match(describeAt(run), /^30 min · long · /);
    assert.match(describeAt(run, NOW_MS + 1_500_000), /^55 min · emergency · /);
    assert.match(describeAt({ kind: 'stream', acquiredAt: at(-86_400) }), /^24 h · devbox/);
  });

  it('say nothing that is not known', () => {
    const key = { kind: 'watched', holder: null, fence: null, ttlMs: null } as const;
    assert.equal(describeAt({ ...key, acquiredAt: null, renewedAt: null, ageMs: null }), '');
  });
});

describe('the TTL of a lock', () => {
  it('is known as a whole from what was left of it', () => {
    assert.equal(fullTtlMs(lockRow()), 90_000);
    assert.equal(fullTtlMs(lockRow({ renewedAt: null, ttlMs: 4_321 })), 4_321);
  });

  it('counts from when the row came where nothing tells of renewals', () => {
    const key = lockRow({ acquiredAt: null, renewedAt: null, ageMs: null, ttlMs: 9_000 });
    assert.equal(ttlLeftMs(key, NOW_MS, NOW_MS - 4_000), 5_000);
    assert.equal(ttlLeftMs(lockRow({ ttlMs: null }), NOW_MS, NOW_MS), undefined);
  });
});

describe('the facts of a lock', () => {
  it('have everything that the view is asked for', () => {
    const job = { queue: 'default', id: '7', type: 'chain_state_monitor' };
    const lock = lockRow({ kind: 'run', name: 'run:default/7', job });
    const facts = Object.fromEntries(lockFacts(lock, nowOf(lock), plain));
    assert.equal(facts['Kind'], 'Run lock');
    assert.equal(facts['Job'], 'default/7');
    assert.equal(facts['Holder process'], 'alive');
    assert.equal(facts['Renewed'], '20 s ago');
    assert.equal(facts['TTL left'], '1 min 10 s of 1 min 30 s');
    assert.equal(facts['Fence'], '12');
  });
});

describe('the question before a release', () => {
  it('gives the proof that a holder is dead', () => {
    const lock = lockRow({ state: 'holder_dead', holder: { ...holder, alive: false } });
    assert.equal(releaseReason(lock, plain), 'Process 4711 on devbox has ended.');
  });

  it('says of a living one that its token is refused afterwards', () => {
    assert.equal(
      releaseReason(lockRow(), plain),
      'devbox:4711 all holds it and is alive. The token moves on: what the old holder does with fence 12 is refused.',
    );
  });

  it('does not promise that of a lock without a token', () => {
    const lock = lockRow({ kind: 'watched', holder: null, fence: null });
    assert.match(releaseReason(lock, plain), /^Nothing tells who holds it\. .* nothing stops/);
    const elsewhere = lockRow({ holder: { ...holder, alive: null } });
    assert.match(releaseReason(elsewhere, plain), /whether it still lives can not be told/);
  });
});
