import { deepEqual, equal, match } from 'node:assert/strict';
import type { Decision } from '../../../agent/protocol/decision.ts';
import { check, checkSnapshot } from '../../faults/check.ts';
import type {
  Effect,
  EnqueueEntry,
  FaultRecord,
  LiveJob,
  QueueEvent,
} from '../../faults/faultRecord.ts';

describe('check of a fault run', () => {
  it('finds nothing in a job that was enqueued, ran and completed', () => {
    deepEqual(check(record()), []);
  });

  it('finds nothing in a job whose first run was taken over, and refused when it woke up', () => {
    const effects = [
      effect({ run: 'r1', fence: 5 }),
      effect({ run: 'r2', fence: 6 }),
      effect({ run: 'r1', fence: 5, kind: 'step', accepted: false }),
      effect({ run: 'r2', fence: 6, kind: 'end' }),
    ];
    deepEqual(check(record({ effects, events: life('j1', { run: 'r2', fence: 6 }) })), []);
  });

  describe('what the resource accepted', () => {
    it('sees a token that goes down', () => {
      const effects = [
        effect({ run: 'r1', fence: 5 }),
        effect({ run: 'r2', fence: 6 }),
        effect({ run: 'r1', fence: 5, kind: 'step' }),
        effect({ run: 'r2', fence: 6, kind: 'end' }),
      ];
      const found = check(record({ effects, events: life('j1', { run: 'r2', fence: 6 }) }));
      deepEqual(rules(found), ['overlap', 'tokens_grow']);
      match(found[0]?.excerpt.join('\n') ?? '', /accepted {2}step of run r1/);
    });

    it('sees two runs with one token, also when one was refused', () => {
      const effects = [
        effect({ run: 'r1', fence: 5 }),
        effect({ run: 'r2', fence: 5, accepted: false }),
        effect({ run: 'r1', fence: 5, kind: 'end' }),
      ];
      deepEqual(rules(check(record({ effects }))), ['one_token_one_run']);
    });

    it('keeps keys apart', () => {
      const effects = [
        ...[effect({ run: 'r1', fence: 5 }), effect({ run: 'r1', fence: 5, kind: 'end' })],
        ...[
          effect({ key: 'other', run: 'r2', fence: 3, jobId: 'j2', n: 2 }),
          effect({ key: 'other', run: 'r2', fence: 3, jobId: 'j2', n: 2, kind: 'end' }),
        ],
      ];
      const events = [...life('j1'), ...life('j2', { run: 'r2', fence: 3 })];
      const enqueues = [enqueue(), enqueue({ n: 2, answer: accepted('j2') })];
      deepEqual(check(record({ effects, events, enqueues })), []);
    });
  });

  describe('results', () => {
    it('sees the result of a run that a newer one had replaced', () => {
      const effects = [
        ...[effect({ run: 'r1', fence: 5 }), effect({ run: 'r1', fence: 5, kind: 'end' })],
        effect({ run: 'r2', fence: 6 }),
      ];
      deepEqual(rules(check(record({ effects }))), ['stale_result']);
    });

    it('sees the result of a run whose end was refused', () => {
      const effects = [
        effect({ run: 'r1', fence: 5 }),
        effect({ run: 'r1', fence: 5, kind: 'end', accepted: false }),
      ];
      deepEqual(rules(check(record({ effects }))), ['stale_result']);
    });

    it('sees two jobs of a key that complete with tokens that do not grow', () => {
      const effects = [
        ...[effect({ run: 'r1', fence: 5 }), effect({ run: 'r1', fence: 5, kind: 'end' })],
        effect({ run: 'r2', fence: 4, jobId: 'j2', n: 2, accepted: false }),
      ];
      const events = [...life('j1'), ...life('j2', { run: 'r2', fence: 4 })];
      const enqueues = [enqueue(), enqueue({ n: 2, answer: accepted('j2') })];
      const found = rules(check(record({ effects, events, enqueues })));
      deepEqual(found, ['stale_result', 'tokens_grow']);
    });
  });

  describe('jobs', () => {
    it('sees one that never ended', () => {
      const events = life('j1').slice(0, 2);
      deepEqual(rules(check(record({ events }))), ['not_ended']);
    });

    it('lets one end later that was added after the faults had stopped', () => {
      const events = life('j1').slice(0, 2);
      deepEqual(check(record({ events, calmSinceMs: 100 })), []);
    });

    it('sees one that was accepted and is nowhere', () => {
      deepEqual(rules(check(record({ events: [], effects: [] }))), ['not_ended']);
    });

    it('sees one that was added twice, and one that ended twice', () => {
      const events = life('j1');
      const [added, , completed] = events;
      if (added === undefined || completed === undefined) throw new Error('no events');
      deepEqual(rules(check(record({ events: [added, ...events] }))), ['added_once']);
      deepEqual(rules(check(record({ events: [...events, completed] }))), ['ended_once']);
    });

    it('sees one that was given up, or ended without a result or a decision', () => {
      const [added] = life('j1');
      if (added === undefined) throw new Error('no events');
      const stalled = event('failed', 'j1', {
        failedReason: 'job stalled more than allowable limit',
      });
      deepEqual(rules(check(record({ events: [added, stalled] }))), ['wrong_end']);
      const empty = event('completed', 'j1', { returnvalue: 'null' });
      deepEqual(rules(check(record({ events: [added, empty] }))), ['wrong_end']);
      const why = decision({ action: 'execute', outcome: 'skipped' });
      deepEqual(check(record({ events: [added, empty], decisions: [why] })), []);
    });

    it('takes the failure of a last attempt for an end', () => {
      const [added] = life('j1');
      if (added === undefined) throw new Error('no events');
      const failed = event('failed', 'j1', { failedReason: 'planned failure of run r1' });
      deepEqual(check(record({ events: [added, failed] })), []);
    });
  });

  describe('questions and answers', () => {
    it('sees a question that became two jobs, with an answer and without', () => {
      const effects = [
        ...record().effects,
        effect({ key: 'other', jobId: 'j2', run: 'r9', fence: 9 }),
      ];
      const events = [...life('j1'), event('added', 'j2'), event('failed', 'j2')];
      deepEqual(rules(check(record({ effects, events }))), ['enqueued_twice']);
      const unknown = enqueue({ answer: { kind: 'unknown', why: 'gone' } });
      deepEqual(rules(check(record({ effects, events, enqueues: [unknown] }))), ['enqueued_twice']);
    });

    it('lets a question without an answer be one job, or none', () => {
      const enqueues = [enqueue({ answer: { kind: 'unknown', why: 'gone' } })];
      deepEqual(check(record({ enqueues })), []);
      deepEqual(check(record({ enqueues, events: [], effects: [] })), []);
    });

    it('sees a refusal that ran', () => {
      const refusal = decision({});
      const enqueues = [enqueue({ answer: { kind: 'decision', decision: refusal } })];
      deepEqual(rules(check(record({ enqueues, decisions: [refusal] }))), ['refused_but_ran']);
    });

    it('sees an accepted job that ran under another id', () => {
      const enqueues = [enqueue({ answer: accepted('j7') })];
      const events = [...life('j1'), ...life('j7', { run: 'r1', fence: 5 })];
      const found = rules(check(record({ enqueues, events })));
      equal(found.includes('accepted_is_another'), true);
    });

    it('sees a refusal that is not in the record', () => {
      const enqueues = [enqueue({ answer: { kind: 'decision', decision: decision({}) } })];
      const rest = { events: [], effects: [], enqueues };
      deepEqual(rules(check(record({ ...rest }))), ['unrecorded_refusal']);
      deepEqual(check(record({ ...rest, decisions: [decision({})] })), []);
    });

    it('sees a refusal that does not say why, because of what, or what to do', () => {
      const bad: Partial<Decision>[] = [
        { survivor: null },
        { remedy: null },
        { reason: 'within_limits' },
        { survivor: { jobId: 'j1', state: 'unknown', since: null } },
        { reason: 'concurrency_limit', counts: null },
        { outcome: 'refused', reason: 'lease_held', holder: null },
      ];
      for (const fields of bad) {
        const found = check(record({ decisions: [decision(fields)] }));
        deepEqual(rules(found), ['unexplained_refusal'], JSON.stringify(fields));
      }
    });

    it('sees an error that nobody can act on, and a question that was never answered', () => {
      const error = enqueue({ answer: { kind: 'error', why: 'x is not a function' } });
      deepEqual(rules(check(record({ enqueues: [error] }))), ['unexplained_error']);
      deepEqual(rules(check(record({ enqueues: [enqueue({ answer: null })] }))), [
        'never_answered',
      ]);
    });
  });

  it('tells what was seen while it ran', () => {
    const seen = checkSnapshot([live({}), live({ id: 'j2' })], RULES);
    deepEqual(rules(check(record({ seen }))), ['unique_key']);
  });
});

describe('checkSnapshot', () => {
  it('finds nothing where each key and type is within its rule', () => {
    const jobs = [
      ...[live({}), live({ id: 'j2', key: 'b' })],
      ...[live({ id: 'j3', type: 'limited' }), live({ id: 'j4', type: 'limited' })],
      ...[live({ id: 'j5', type: 'free' }), live({ id: 'j6', type: 'free' })],
    ];
    deepEqual(checkSnapshot(jobs, RULES), []);
  });

  it('sees two jobs of a key, whatever their states', () => {
    const jobs = [live({ state: 'active' }), live({ id: 'j2', state: 'delayed' })];
    deepEqual(rules(checkSnapshot(jobs, RULES)), ['unique_key']);
  });

  it('sees one job too many of a type', () => {
    const jobs = ['j1', 'j2', 'j3'].map((id) => live({ id, type: 'limited' }));
    deepEqual(rules(checkSnapshot(jobs, RULES)), ['concurrency_limit']);
  });

  it('sees a job in two places', () => {
    const jobs = [live({ state: 'wait' }), live({ state: 'active' })];
    deepEqual(rules(checkSnapshot(jobs, RULES)), ['two_places']);
  });
});

const RULES = {
  keyed: { unique: true, limit: null },
  limited: { unique: false, limit: 2 },
  free: { unique: false, limit: null },
};

function rules(violations: { rule: string }[]): string[] {
  return violations.map(({ rule }) => rule).sort();
}

/** One job that was enqueued, ran once and completed. */
function record(fields: Partial<FaultRecord> = {}): FaultRecord {
  return {
    ...{ rules: RULES, decisions: [], seen: [], calmSinceMs: 1_000, enqueues: [enqueue({})] },
    effects: [effect({}), effect({ kind: 'step' }), effect({ kind: 'end' })],
    events: life('j1'),
    ...fields,
  };
}

function effect(fields: Partial<Effect>): Effect {
  return {
    ...{ run: 'r1', jobId: 'j1', type: 'keyed', key: 'keyed/k', n: 1, attempt: 1, fence: 5 },
    ...{ kind: 'start', atMs: 0, accepted: true },
    ...fields,
  };
}

function life(jobId: string, result = { run: 'r1', fence: 5 }): QueueEvent[] {
  return [
    event('added', jobId, { name: 'keyed' }),
    event('active', jobId),
    event('completed', jobId, { returnvalue: JSON.stringify(result) }),
  ];
}

function event(name: string, jobId: string, fields: Record<string, string> = {}): QueueEvent {
  return { id: '500-0', queue: 'main', event: name, jobId, fields: { event: name, ...fields } };
}

function enqueue(fields: Partial<EnqueueEntry> = {}): EnqueueEntry {
  return {
    ...{ n: 1, agent: 'a0', type: 'keyed', key: 'k', askedAtMs: 0, answeredAtMs: 1 },
    answer: accepted('j1'),
    ...fields,
  };
}

function accepted(jobId: string): EnqueueEntry['answer'] {
  const fields = { outcome: 'accepted', reason: 'within_limits', survivor: null } as const;
  return { kind: 'decision', decision: decision({ ...fields, id: '', jobId, remedy: null }) };
}

/** A refusal with everything that it must tell. */
function decision(fields: Partial<Decision>): Decision {
  return {
    ...{ id: '7-0', at: '', action: 'enqueue', subject: 'keyed', key: 'k', jobId: 'j1' },
    ...{ outcome: 'already_queued', reason: 'unique_key', holder: null, until: null },
    ...{ counts: null, remedy: 'Wait for it.' },
    survivor: { jobId: 'j1', state: 'waiting', since: null },
    ...fields,
  };
}

function live(fields: Partial<LiveJob>): LiveJob {
  return { id: 'j1', queue: 'main', state: 'wait', type: 'keyed', key: 'a', ...fields };
}
