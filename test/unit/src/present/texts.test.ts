import assert from 'node:assert/strict';
import {
  formatAge,
  formatAgo,
  formatClockTime,
  formatCountdown,
  formatRate,
} from '../../../../src/present/age.ts';
import { decisionSentence } from '../../../../src/present/decisionText.ts';
import {
  describeJob,
  describeQueue,
  jobLabel,
  outsideFacts,
  progressText,
} from '../../../../src/present/jobText.ts';
import { scheduleDetails } from '../../../../src/present/scheduleDetails.ts';
import {
  describeInterval,
  describeLastSlot,
  describeLeader,
  describeSchedule,
} from '../../../../src/present/scheduleText.ts';
import { simulationDocument, simulationVerdict } from '../../../../src/present/simulationText.ts';
import { at, decision, holder, jobRow, NOW_MS, plain, queueRow, scheduleRow } from '../rows.ts';

describe('ages', () => {
  it('are whole seconds and never negative', () => {
    assert.equal(formatAge(at(-200), NOW_MS), '3 min 20 s');
    assert.equal(formatAge(at(-0.4), NOW_MS), '0 s');
    assert.equal(formatAge(at(30), NOW_MS), '0 s');
    assert.equal(formatAge(null, NOW_MS), '');
    assert.equal(formatAgo(at(-12), NOW_MS, plain), '12 s ago');
    assert.equal(formatAgo(at(-0.2), NOW_MS, plain), 'just now');
  });

  it('count down to due', () => {
    assert.equal(formatCountdown(at(11.2), NOW_MS, plain), 'in 12 s');
    assert.equal(formatCountdown(at(-1), NOW_MS, plain), 'due');
  });

  it('show the day only when it is another one', () => {
    const noon = new Date(2026, 0, 31, 12, 0, 5);
    assert.equal(formatClockTime(noon.toISOString(), noon.getTime() + 60_000), '12:00:05');
    const nextDay = new Date(2026, 1, 1, 12).getTime();
    assert.equal(formatClockTime(noon.toISOString(), nextDay), '2026-01-31 12:00:05');
  });

  it('round rates to what they tell', () => {
    assert.deepEqual([0, 0.04, 2.96, 4321].map(formatRate), ['0', '<0.1', '3', '4,321']);
  });
});

describe('rows of jobs', () => {
  const describeAt = (fields: Parameters<typeof jobRow>[0]) =>
    describeJob(jobRow(fields), NOW_MS, plain);

  it('are named by type and key', () => {
    assert.equal(jobLabel(jobRow()), 'chain_state_monitor [mainnet]');
    assert.equal(jobLabel(jobRow({ key: null })), 'chain_state_monitor');
    assert.equal(jobLabel(jobRow({ key: '*' })), 'chain_state_monitor');
  });

  it('say who runs them, where that is a worker outside Interlock', () => {
    const outside = { worker: 'invoices', address: '10.0.0.7:5123', lockEndsAt: at(12) };
    const active = { state: 'active', startedAt: at(-70) } as const;
    const said = (run: Partial<typeof outside> | { worker: null; address: null }) =>
      describeAt({ ...active, outside: { ...outside, ...run } });
    assert.equal(said({}), '1 min 10 s · worker invoices (10.0.0.7:5123), outside Interlock');
    assert.equal(said({ worker: null, address: null }), '1 min 10 s · worker, outside Interlock');
    assert.deepEqual(outsideFacts(outside, NOW_MS, plain), [
      ['Run by', 'worker invoices (10.0.0.7:5123), outside Interlock'],
      ['Lock ends', 'in 12 s'],
    ]);
    assert.deepEqual(outsideFacts(undefined, NOW_MS, plain), []);
  });

  it('say what matters in their state', () => {
    assert.equal(
      describeAt({ state: 'active', startedAt: at(-70), progress: 40 }),
      '1 min 10 s · 40 %',
    );
    assert.equal(describeAt({ state: 'waiting' }), 'for 1 min 40 s');
    assert.equal(describeAt({ state: 'delayed', dueAt: at(5) }), 'in 5 s');
    const ended = { startedAt: at(-12), finishedAt: at(-10) };
    assert.equal(describeAt({ state: 'completed', ...ended }), '10 s ago · took 2 s');
    assert.equal(
      describeAt({
        state: 'failed',
        ...ended,
        failedReason: 'no route\n  at x.ts:1',
        attemptsMade: 4,
      }),
      'no route · 10 s ago · attempt 4 of 4',
    );
  });

  it('say that a run goes on for too long', () => {
    const job = jobRow({ state: 'active', startedAt: at(-1_920), progress: 40 });
    assert.equal(describeJob(job, NOW_MS, plain, 'critical'), 'running 32 min · critical · 40 %');
  });

  it('show any progress a handler may report', () => {
    assert.deepEqual([null, 0, 12.4, 'half', { step: 2 }, {}].map(progressText), [
      '',
      '',
      '12 %',
      'half',
      '{"step":2}',
      '',
    ]);
  });

  it('are counted by queue, without zeros', () => {
    const busy = { ...queueRow('default', { active: 2, waiting: 1_400, failed: 3 }), paused: true };
    assert.equal(describeQueue(busy, plain), 'paused · 2 active · 1,400 waiting · 3 failed');
    assert.equal(describeQueue(queueRow('low', { completed: 9 }), plain), 'idle');
  });
});

describe('rows of schedules', () => {
  it('count down to the next slot', () => {
    assert.equal(
      describeSchedule(scheduleRow(), NOW_MS, plain),
      'in 12 s · every 90s · last: accepted',
    );
  });

  it('say that one is paused, what will be skipped, and how many slots were missed', () => {
    const paused = scheduleRow({ pausedAt: at(-200), nextSlotAt: null, nextSlots: [] });
    assert.equal(
      describeSchedule(paused, NOW_MS, plain),
      'paused for 3 min 20 s · every 90s · last: accepted',
    );
    const skipping = scheduleRow({ skipSlotAt: at(5), missedSlots: 1_200 });
    assert.equal(
      describeSchedule(skipping, NOW_MS, plain),
      'in 12 s · every 90s · next one skipped · last: accepted · 1,200 missed',
    );
  });

  it('tell the interval of now, when it follows the run time', () => {
    const interval = { nowMs: 45_000, minMs: 30_000, maxMs: 600_000, runMs: 4_500, runs: 3 };
    const schedule = scheduleRow({ rule: 'every 30 s to 10 min', interval });
    assert.equal(
      describeSchedule(schedule, NOW_MS, plain),
      'in 12 s · every 45 s now · last: accepted',
    );
    assert.equal(
      describeInterval(interval, plain),
      'every 45 s: runs take 5 s (mean of 3), 10 times that; at least 30 s, at most 10 min',
    );
    assert.match(
      describeInterval({ ...interval, runMs: null, runs: 0 }, plain),
      /^every 45 s: no run is measured yet; at least/,
    );
  });

  it('tell what each of the last slots came to', () => {
    const slot = { until: null, count: 1, reason: null, by: 'devbox:4711' } as const;
    const told = (fields: object) =>
      describeLastSlot({ ...slot, at: at(-5), outcome: 'accepted', ...fields }, NOW_MS, plain);
    assert.equal(told({}), 'accepted, by devbox:4711');
    assert.equal(
      told({ outcome: 'skipped', reason: 'slot_missed', count: 30, until: at(-1) }),
      `30 slots until ${formatClockTime(at(-1), NOW_MS)}: skipped, no scheduler was there in time, by devbox:4711`,
    );
  });

  it('say what becomes of one of another program', () => {
    const outside = { queue: 'emails', made: 3, limit: 5, endsAt: at(60) } as const;
    const row = (state: 'waits' | 'stuck' | 'ended') =>
      scheduleRow({ nextSlotAt: null, nextSlots: [], outside: { ...outside, state } });
    const text = (state: 'waits' | 'stuck' | 'ended') =>
      describeSchedule({ ...row(state), lastOutcome: null }, NOW_MS, plain);
    assert.equal(text('waits'), 'its job waits · every 90s · BullMQ');
    assert.equal(text('stuck'), 'stuck · every 90s · BullMQ');
    assert.equal(text('ended'), 'ended · every 90s · BullMQ');
    const details = scheduleDetails(row('stuck'), NOW_MS, plain);
    const told = new Map(details.map((detail) => [detail.label, detail.text]));
    assert.equal(told.get('Made by'), 'a BullMQ program, in queue emails');
    assert.equal(told.get('Jobs made'), '3 of 5');
    assert.equal(told.get('Ends'), formatClockTime(at(60), NOW_MS));
    assert.match(told.get('Stuck') ?? '', /is gone$/);
    assert.match(told.get('What to do') ?? '', /^restart its program/);
    assert.ok(!told.has('Missed slots'));
  });
});

describe('what is shown below a schedule', () => {
  const labels = (fields: Parameters<typeof scheduleRow>[0]) =>
    scheduleDetails(scheduleRow(fields), NOW_MS, plain).map(({ label }) => label);

  it('leaves out what it does not have', () => {
    assert.deepEqual(labels({}), ['Job type', 'Rule', 'Next slots', 'Missed slots']);
    assert.deepEqual(labels({ pausedAt: at(-5), nextSlots: [], skipSlotAt: at(9) }), [
      ...['Job type', 'Rule', 'Paused since', 'Will be skipped', 'Missed slots'],
    ]);
  });

  it('has a row for each of the last slots, and the next three in one', () => {
    const slot = {
      until: null,
      count: 1,
      reason: null,
      by: 'devbox:4711',
      outcome: 'accepted',
    } as const;
    const details = scheduleDetails(
      scheduleRow({ lastSlots: [at(-5), at(-95)].map((time) => ({ ...slot, at: time })) }),
      NOW_MS,
      plain,
    );
    assert.deepEqual(
      details.slice(-2).map(({ label }) => label),
      [at(-5), at(-95)].map((time) => `Slot ${formatClockTime(time, NOW_MS)}`),
    );
    assert.equal(new Set(details.map(({ id }) => id)).size, details.length);
    const next = details.find(({ id }) => id === 'next')?.text ?? '';
    assert.equal(next.split(', ').length, 3);
    assert.equal(details.find(({ id }) => id === 'policy')?.text, '0, policy run-once');
  });
});

describe('leaders', () => {
  it('are told with when and how it ended', () => {
    const row = { fence: 7, holder, since: at(-200), until: null, end: 'holds' } as const;
    assert.equal(describeLeader(row, NOW_MS, plain), 'for 3 min 20 s');
    assert.equal(
      describeLeader({ ...row, end: 'died', until: at(-100) }, NOW_MS, plain),
      `died after 1 min 40 s, at ${formatClockTime(at(-100), NOW_MS)}`,
    );
    assert.equal(describeLeader({ ...row, end: 'lost' }, NOW_MS, plain), 'lost it');
  });
});

describe('sentences of decisions', () => {
  const sentence = (fields: Parameters<typeof decision>[0]) =>
    decisionSentence(decision(fields), NOW_MS, plain);

  it('name the job of an accepted one', () => {
    assert.equal(sentence({}), 'enqueue chain_state_monitor [mainnet]: accepted; job 7');
  });

  it('name the survivor and since when', () => {
    const since = at(-60);
    const survivor = { jobId: '7', state: 'active', since };
    assert.equal(
      sentence({ outcome: 'already_running', reason: 'unique_key', jobId: null, survivor }),
      `enqueue chain_state_monitor [mainnet]: already_running; job 7 is active since ${formatClockTime(since, NOW_MS)}`,
    );
  });

  it('count what a limit allows', () => {
    const counts = { queuedOrRunning: 2, limit: 2 };
    assert.equal(
      sentence({ outcome: 'skipped', reason: 'concurrency_limit', jobId: null, counts }),
      'enqueue chain_state_monitor [mainnet]: skipped; 2 queued or running, 2 allowed',
    );
  });

  it('name the holder of a lock that is taken', () => {
    const taken = { action: 'start_stream', subject: 'nse', key: null } as const;
    assert.equal(
      sentence({ ...taken, outcome: 'refused', reason: 'lease_held', jobId: null, holder }),
      'start stream nse: refused; its lock is taken: held by devbox:4711 all',
    );
  });
});

describe('the result of a simulation', () => {
  const result = {
    jobType: 'chain_state_monitor',
    attempts: 400,
    accepted: 1,
    refused: { byLayer: { key: 399 } },
    runs: 1,
    maxConcurrentRuns: 1,
    ms: 1_234,
    naive: false,
    processes: 4,
  };

  it('is one sentence', () => {
    assert.equal(
      simulationVerdict(result, plain),
      '400 attempts from 4 processes at once made 1 run of chain_state_monitor.',
    );
    const naive = { ...result, naive: true, runs: 12, maxConcurrentRuns: 4 };
    assert.match(
      simulationVerdict(naive, plain),
      /12 runs .* up to 4 at the same time\. That is what/,
    );
  });

  it('is an aligned table', () => {
    const lines = simulationDocument(result, plain)
      .split('\n')
      .filter((line) => line.startsWith('|'));
    assert.equal(new Set(lines.map((line) => line.length)).size, 1);
    assert.ok(lines.some((line) => /^\| refused by key +\| +399 \|$/.test(line)));
  });
});
