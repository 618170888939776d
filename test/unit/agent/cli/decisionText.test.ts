import assert from 'node:assert/strict';
import { decisionsText, decisionText } from '../../../../agent/cli/text/decisionText.ts';
import { styleFor } from '../../../../agent/cli/text/style.ts';
import {
  decisionAction,
  decisionOutcome,
  decisionReason,
  type Decision,
} from '../../../../agent/protocol/decision.ts';
import { decision, holder, isoBefore, NOW_MS } from './rows.ts';

const plain = styleFor(false, {});
const text = (facts: Partial<Decision>) => decisionText(decision(facts), NOW_MS, plain);

/** A job that has been running for 2 minutes at the moment of the decision. */
const running = {
  ...{ jobId: 'j0', survivor: { jobId: 'j0', state: 'active', since: isoBefore(121_000) } },
  holder: holder(),
};
const waiting = {
  jobId: 'j0',
  survivor: { jobId: 'j0', state: 'waiting', since: isoBefore(13_000) },
};
const monitor = { subject: 'chain_state_monitor', key: 'mainnet' };

/** One sentence for each outcome, as each of its rules gives it. */
const SENTENCES: [string, Partial<Decision>, string][] = [
  ['an accepted job', { key: 'mainnet' }, 'Enqueued sync (mainnet): job j1.'],
  ['an accepted job of a type that is one key', { key: '*' }, 'Enqueued sync: job j1.'],
  ['a requeued job', { action: 'requeue' }, 'Requeued sync: job j1.'],
  ['a slot', { action: 'schedule' }, 'Enqueued the slot of sync: job j1.'],
  [
    'a started stream',
    { action: 'start_stream', subject: 'nse', key: 'stream:nse', jobId: null },
    'Started stream nse.',
  ],
  [
    'a key that a running job has',
    { ...running, ...monitor, outcome: 'already_running', reason: 'unique_key' },
    'chain_state_monitor (mainnet) is already running: job j0 has been running for 2 min on devbox:4711 (rule: unique_key).',
  ],
  [
    'a key that a waiting job has',
    { ...waiting, outcome: 'already_queued', reason: 'unique_key' },
    'sync is already queued: job j0 has been waiting for 12 s (rule: unique_key).',
  ],
  [
    'a requeue beside a waiting job',
    { ...waiting, action: 'requeue', outcome: 'already_queued', reason: 'unique_key' },
    'Did not requeue sync, which is already queued: job j0 has been waiting for 12 s (rule: unique_key).',
  ],
  [
    'a full place',
    {
      ...{ ...running, ...monitor, outcome: 'skipped', reason: 'concurrency_limit' },
      counts: { queuedOrRunning: 1, limit: 1 },
    },
    'Skipped chain_state_monitor (mainnet): job j0 has been running for 2 min on devbox:4711 and at most 1 may be queued or running (rule: concurrency_limit).',
  ],
  [
    'many full places',
    {
      ...{ ...running, outcome: 'already_running', reason: 'concurrency_limit' },
      counts: { queuedOrRunning: 3, limit: 3 },
    },
    'sync is already running: 3 are queued or running, job j0 has been running for 2 min on devbox:4711, and at most 3 may be queued or running (rule: concurrency_limit).',
  ],
  [
    'the last check before a run',
    {
      ...running,
      jobId: 'j1',
      action: 'execute',
      outcome: 'skipped',
      reason: 'concurrent_execution_detected',
    },
    'Skipped job j1 of sync: the last check before the run found that job j0 has been running for 2 min on devbox:4711 (rule: concurrent_execution_detected).',
  ],
  [
    'a window that an ended job left',
    {
      ...{ outcome: 'skipped', reason: 'unique_key', jobId: 'j0', until: isoBefore(-300_000) },
      survivor: { jobId: 'j0', state: 'finished', since: isoBefore(61_000) },
    },
    'Skipped sync: job j0 ended 1 min before, and the key is kept for another 5 min (rule: unique_key).',
  ],
  [
    'a payload that was replaced',
    { ...waiting, outcome: 'replaced', reason: 'unique_key' },
    'Replaced sync: job j0, which waits, took the new payload (rule: unique_key).',
  ],
  [
    'a place that a higher priority took',
    {
      ...{ outcome: 'replaced', reason: 'higher_priority', jobId: 'j1' },
      survivor: { jobId: 'j0', state: 'removed', since: null },
    },
    'Replaced sync: job j1 took the place of job j0, which waited with a lower priority (rule: higher_priority).',
  ],
  [
    'a job that runs next',
    { ...running, jobId: 'j1', outcome: 'rescheduled', reason: 'unique_key' },
    'Rescheduled sync: job j1 runs next, because job j0 has been running for 2 min on devbox:4711 (rule: unique_key).',
  ],
  [
    'a conflict that fails',
    { ...running, outcome: 'refused', reason: 'unique_key' },
    'Refused to enqueue sync: job j0 has been running for 2 min on devbox:4711 (rule: unique_key).',
  ],
  [
    'a stream that runs',
    {
      ...{ action: 'start_stream', subject: 'nse', key: 'stream:nse', jobId: null },
      ...{ outcome: 'already_running', reason: 'lease_held', holder: holder() },
      survivor: { jobId: 'stream:nse', state: 'running', since: isoBefore(121_000) },
    },
    'Stream nse is already running: it has been running for 2 min on devbox:4711 (rule: lease_held).',
  ],
  [
    'a stream whose lock is taken',
    { action: 'start_stream', subject: 'nse', outcome: 'refused', reason: 'lease_held' },
    'Refused to start stream nse: another has its lock (rule: lease_held).',
  ],
  [
    'an unknown type',
    { outcome: 'refused', reason: 'unknown_type', jobId: null },
    'Refused to enqueue sync: there is no such job type (rule: unknown_type).',
  ],
  [
    'a lock of a dead holder that was released',
    {
      ...{ action: 'release', subject: 'scheduler:global_lock', jobId: null },
      ...{ reason: 'holder_dead', holder: holder({ alive: false }) },
    },
    'Released the lock scheduler:global_lock: its holder devbox:4711 has ended (rule: holder_dead).',
  ],
  [
    'a lock of a run that was released by force',
    { action: 'release', reason: 'released_by_person', key: 'mainnet', holder: holder() },
    'Released the lock of job j1 of sync (mainnet): a person asked for it (rule: released_by_person).',
  ],
  [
    'a lock that was not released',
    { action: 'release', outcome: 'refused', reason: 'holder_alive', holder: holder() },
    'Refused to release the lock of job j1 of sync: its holder devbox:4711 is alive (rule: holder_alive).',
  ],
  [
    'a lock of another host that was not released',
    {
      ...{ action: 'release', subject: 'nse', key: 'stream:nse', jobId: null, outcome: 'refused' },
      ...{ reason: 'holder_alive', holder: holder({ alive: null }) },
    },
    'Refused to release the lock of nse: its holder devbox:4711 may be alive: it is on another host (rule: holder_alive).',
  ],
  [
    'a takeover',
    { action: 'takeover', subject: 'scheduler:global_lock', jobId: null, reason: 'holder_dead' },
    'Took over scheduler:global_lock: the holder of its lock has ended (rule: holder_dead).',
  ],
  [
    'what the reaper removed',
    { action: 'reap', jobId: null, reason: 'orphaned' },
    'Removed what was left of sync: it belonged to nobody any more (rule: orphaned).',
  ],
];

describe('a decision as a sentence', () => {
  for (const [what, facts, expected] of SENTENCES) {
    it(`tells of ${what}`, () => assert.equal(text(facts), expected));
  }

  it('tells which slots of a schedule were not enqueued, and why', () => {
    const passed = {
      action: 'schedule',
      subject: 'nightly',
      jobId: null,
      outcome: 'skipped',
    } as const;
    const slots = { count: 1, atLeast: false, from: isoBefore(60_000), to: isoBefore(60_000) };
    assert.equal(
      text({ ...passed, reason: 'skipped_by_person', slots }),
      `Skipped the slot at ${slots.from} of nightly: a person asked to skip it (rule: skipped_by_person).`,
    );
    const many = { count: 1_200, atLeast: true, from: isoBefore(90_000), to: isoBefore(0) };
    assert.equal(
      text({ ...passed, reason: 'slot_missed', slots: many }),
      `Skipped 1,200 slots or more from ${many.from} to ${many.to} of nightly: no scheduler was there in time (rule: slot_missed).`,
    );
  });

  it('tells what was asked of a schedule, and what was so already', () => {
    const asked = { subject: 'nightly', jobId: null } as const;
    assert.equal(text({ ...asked, action: 'pause_schedule' }), 'Paused schedule nightly.');
    assert.equal(
      text({ ...asked, action: 'resume_schedule', outcome: 'skipped', reason: 'not_paused' }),
      'Did not resume schedule nightly: the schedule is not paused (rule: not_paused).',
    );
    const slots = { count: 1, atLeast: false, from: isoBefore(-60_000), to: isoBefore(-60_000) };
    assert.equal(
      text({ ...asked, action: 'skip_slot', slots }),
      `Will skip the next slot of nightly: the slot at ${slots.from}.`,
    );
  });

  it('says of a stall which job it was, and what became of it', () => {
    const facts = {
      ...{ worker: 'invoices', address: null, connected: true, start: 1, stalls: 1 },
      ...({ attemptsMade: 0, movedBy: 'bullmq', nextWorker: null } as const),
    };
    const stalled = (next: 'started' | 'failed') =>
      text({
        ...{ action: 'stall', key: 'mainnet', reason: 'lock_not_renewed' },
        ...{ outcome: next === 'failed' ? 'refused' : 'rescheduled', stall: { ...facts, next } },
      });
    const why = 'its worker, outside Interlock, did not renew its lock (rule: lock_not_renewed).';
    assert.equal(
      stalled('started'),
      `Stalled: job j1 of sync (mainnet), which was started again: ${why}`,
    );
    assert.equal(
      stalled('failed'),
      `Stalled: job j1 of sync (mainnet), which failed, because it stalled too often: ${why}`,
    );
  });

  it('has words for each outcome, reason and action, with and without what else is known', () => {
    for (const outcome of decisionOutcome.options) {
      for (const reason of decisionReason.options) {
        for (const action of decisionAction.options) {
          for (const more of [{}, running, { ...waiting, holder: null }, { holder: holder() }]) {
            const said = text({ outcome, reason, action, jobId: null, ...more });
            assert.match(said, /^(sync|[A-Z])[^\n]*[^.:, ]\.$/, said);
            assert.doesNotMatch(
              said.replace(/ \(rule: \w+\)/, ''),
              /_|undefined|null|NaN| {2}|::|: :/,
            );
          }
        }
      }
    }
  });

  it('puts what there is to do on a line of its own', () => {
    const said = text({
      ...waiting,
      outcome: 'already_queued',
      reason: 'unique_key',
      remedy: 'Wait.',
    });
    assert.match(said, /\(rule: unique_key\)\.\nWait\.$/);
  });

  it('tells ages as they were when it was decided', () => {
    const old = { ...running, at: isoBefore(3_600_000), outcome: 'already_running' as const };
    const survivor = { jobId: 'j0', state: 'active', since: isoBefore(3_605_000) };
    assert.match(text({ ...old, survivor, reason: 'unique_key' }), /has been running for 5 s on/);
    const window = { outcome: 'skipped', reason: 'unique_key', until: isoBefore(60_000) } as const;
    assert.match(text(window), /another job has this key, which was so until 1 min ago/);
  });

  it('knows each state of the job that is there', () => {
    for (const state of ['prioritized', 'delayed', 'finished', 'gone', 'removed', 'odd']) {
      for (const since of [isoBefore(5_000), null]) {
        const survivor = { jobId: 'j0', state, since };
        assert.match(
          text({ outcome: 'skipped', reason: 'unique_key', survivor }),
          /: job j0 (has|is|ended|had) .*\(rule/,
        );
      }
    }
  });

  it('sums up many, and shows one of each kind', () => {
    const many = [
      decision({}),
      decision({ outcome: 'already_queued', reason: 'unique_key' }),
      decision({ outcome: 'already_queued', reason: 'unique_key' }),
    ];
    const lines = decisionsText(many, NOW_MS, plain).split('\n');
    assert.equal(lines[0], '3 decisions: 1 accepted, 2 already queued.');
    assert.equal(lines.length, 3);
  });
});
