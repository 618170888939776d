import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ConnectionRow } from '../../../../../agent/protocol/model.ts';
import {
  assessStream,
  describeHealth,
  type HealthOutcome,
  type HealthSubject,
} from '../../../../../agent/streams/pool/assessStream.ts';
import type { RegistryEntry } from '../../../../../agent/streams/pool/registryEntry.ts';
import { connectionRow, holder } from '../../cli/rows.ts';

const NOW_MS = Date.parse('2026-01-31T09:15:00.000Z');
const STALE_AFTER_MS = 120_000;
const EXPIRE_AFTER_MS = 3_600_000;

const subject = (facts: Partial<HealthSubject> = {}): HealthSubject => ({
  ...{ name: 'nse', wanted: true, sleep: null, shards: [0, 1, 2] },
  ...{ staleAfterMs: STALE_AFTER_MS, expireAfterMs: EXPIRE_AFTER_MS, ...facts },
});

const entry = (
  shard: number,
  facts: Partial<ConnectionRow> & { ageMs?: number } = {},
): RegistryEntry => {
  const { ageMs = 1_000, ...row } = facts;
  const status = row.state ?? 'live';
  return {
    ...{ shard, holder: holder(), fence: 1, startedAtMs: 1, heartbeatMs: NOW_MS - ageMs, status },
    row: connectionRow({ shard, ...row }),
  };
};

const entries = (...all: RegistryEntry[]) => new Map(all.map((one) => [one.shard, one]));

/** Shard numbers of each part of an assessment. */
function parts(of: HealthSubject, ...all: RegistryEntry[]) {
  const { expected, missing, ...rest } = assessStream(of, entries(...all), NOW_MS);
  const numbers = (some: RegistryEntry[]) => some.map(({ shard }) => shard);
  return {
    ...{ expected, missing, running: numbers(rest.running), surplus: numbers(rest.surplus) },
    ...{ stale: numbers(rest.stale), expired: numbers(rest.expired) },
  };
}

const nothing = { expected: [], missing: [], running: [], surplus: [], stale: [], expired: [] };

function told(of: HealthSubject, all: RegistryEntry[], outcome: Partial<HealthOutcome> = {}) {
  const assessment = assessStream(of, entries(...all), NOW_MS);
  return describeHealth(of, assessment, { removed: [], restarted: [], ...outcome }, NOW_MS);
}

describe('the health of a stream', () => {
  describe('is found from its entries', () => {
    it('all running', () => {
      const all = [entry(2), entry(0), entry(1)];
      assert.deepEqual(parts(subject(), ...all), {
        ...{ ...nothing, expected: [0, 1, 2], running: [0, 1, 2] },
      });
    });

    it('missing, stale and expired', () => {
      const all = [entry(0, { ageMs: STALE_AFTER_MS }), entry(1, { ageMs: EXPIRE_AFTER_MS })];
      assert.deepEqual(parts(subject(), ...all), {
        ...{ ...nothing, expected: [0, 1, 2], missing: [2], stale: [0], expired: [1] },
      });
    });

    it('running until the moment at which the heartbeat is too old', () => {
      assert.deepEqual(parts(subject({ shards: [0] }), entry(0, { ageMs: STALE_AFTER_MS - 1 })), {
        ...{ ...nothing, expected: [0], running: [0] },
      });
    });

    it('nothing is missing outside its hours, nor when it is stopped', () => {
      const sleeping = subject({ sleep: { untilMs: null, timezone: 'UTC' } });
      for (const one of [sleeping, subject({ wanted: false })]) {
        assert.deepEqual(parts(one), nothing);
        const silent = entry(0, { ageMs: STALE_AFTER_MS });
        assert.deepEqual(parts(one, silent, entry(1)), { ...nothing, stale: [0], surplus: [1] });
      }
    });

    it('shards that have no symbols any more', () => {
      const all = [entry(0), entry(7), entry(8, { ageMs: EXPIRE_AFTER_MS })];
      assert.deepEqual(parts(subject({ shards: [0] }), ...all), {
        ...{ ...nothing, expected: [0], running: [0], surplus: [7], expired: [8] },
      });
    });

    it('each shard and each entry has its place once', () => {
      const some = fc.uniqueArray(fc.tuple(fc.nat(9), fc.nat(2 * EXPIRE_AFTER_MS)), {
        selector: ([shard]) => shard,
      });
      const any = fc.record({ shards: fc.subarray([0, 1, 2, 3, 4, 5]), wanted: fc.boolean() });
      fc.assert(
        fc.property(any, some, (facts, ages) => {
          const found = parts(
            subject(facts),
            ...ages.map(([shard, ageMs]) => entry(shard, { ageMs })),
          );
          const placed = [found.running, found.surplus, found.stale, found.expired].flat();
          assert.deepEqual(placed.sort(), ages.map(([shard]) => shard).sort());
          const without = found.expected.filter((shard) => !placed.includes(shard));
          assert.deepEqual(found.missing, without);
        }),
      );
    });
  });

  describe('is told in words', () => {
    it('all is well', () => {
      const all = [entry(0), entry(1), entry(2)];
      assert.deepEqual(told(subject(), all), { ok: true, summary: '3 of 3 connections live' });
      const one = told(subject({ shards: [0] }), all.slice(0, 1));
      assert.equal(one.summary, '1 of 1 connection live');
    });

    it('what is not live, and why', () => {
      const all = [
        entry(0),
        entry(1, { state: 'backing_off', trouble: 'HTTP 503.' }),
        entry(2, { state: 'suspended', trouble: null }),
      ];
      assert.deepEqual(told(subject(), all), {
        ok: false,
        summary: '1 of 3 connections live; shard 1: backing off, HTTP 503; shard 2: suspended',
      });
    });

    it('a connection that is being made is no trouble', () => {
      const all = [entry(0), entry(1, { state: 'connecting' }), entry(2, { state: 'subscribing' })];
      assert.deepEqual(told(subject(), all), {
        ok: true,
        summary: '1 of 3 connections live; shard 1: connecting; shard 2: subscribing',
      });
    });

    it('what was missing and what was removed', () => {
      const all = [entry(0), entry(1, { ageMs: STALE_AFTER_MS })];
      assert.deepEqual(told(subject(), all, { removed: [1], restarted: [1, 2] }), {
        ok: false,
        summary:
          '1 of 3 connections live; shards 1, 2 missing, started again; 1 stale entry removed',
      });
    });

    it('who keeps a lease without a heartbeat', () => {
      const all = [entry(0), entry(1), entry(2, { ageMs: 200_000 })];
      assert.deepEqual(told(subject(), all), {
        ok: false,
        summary:
          '2 of 3 connections live; shard 2: no heartbeat for 3 min 20 s, but its lease is held by devbox:4711',
      });
    });

    it('many in short', () => {
      const shards = Array.from({ length: 400 }, (_, shard) => shard);
      const all = shards.map((shard) => entry(shard, { state: 'stale', trouble: null }));
      const { summary } = told(subject({ shards }), all, { restarted: shards, removed: shards });
      const parted = [
        ...['0 of 400 connections live', 'shard 0: stale', 'shard 1: stale', 'shard 2: stale'],
        ...[
          '397 more not live',
          'shards 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 390 more missing, started again',
        ],
        '400 stale entries removed',
      ];
      assert.equal(summary, parted.join('; '));
      const silent = shards.map((shard) => entry(shard, { ageMs: STALE_AFTER_MS }));
      assert.match(told(subject({ shards }), silent).summary, /; 397 more without a heartbeat$/);
    });

    it('until when it sleeps, in the zone of its hours', () => {
      const sleep = { untilMs: Date.parse('2026-02-02T03:45:00Z'), timezone: 'Asia/Kolkata' };
      assert.deepEqual(told(subject({ sleep }), []), {
        ok: true,
        summary: 'sleeps until Mon 09:15 (Asia/Kolkata)',
      });
      const never = told(subject({ sleep: { ...sleep, untilMs: null } }), [entry(0)]);
      assert.deepEqual(never, {
        ok: true,
        summary: 'sleeps, and no opening is in sight; 1 connection to be closed',
      });
    });

    it('that it is stopped', () => {
      assert.deepEqual(told(subject({ wanted: false }), []), { ok: true, summary: 'stopped' });
    });
  });
});
