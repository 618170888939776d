import assert from 'node:assert/strict';
import { systemClock } from '../../../../agent/common/clock.ts';
import type { Decision } from '../../../../agent/protocol/decision.ts';
import type { StateSnapshot } from '../../../../agent/protocol/model.ts';
import { AgentTime } from '../../../../src/model/agentTime.ts';
import { LockList } from '../../../../src/model/lockList.ts';
import { remediesOf } from '../../../../src/model/remedies.ts';
import { rulePlace } from '../../../../src/model/rulePlace.ts';
import { Store } from '../../../../src/model/store.ts';
import { explainDocument } from '../../../../src/present/explainText.ts';
import { remedyActions } from '../../../../src/present/remedyActions.ts';
import { agentRow, at, decision, jobRow, lockRow, NOW_MS, plain, snapshot } from '../rows.ts';

function setUp(rows: Partial<StateSnapshot> = {}) {
  const store = new Store();
  store.replace(snapshot(1, { agent: { agent: agentRow() }, ...rows }));
  return { store, locks: new LockList(store, new AgentTime(systemClock)) };
}

const survivor = { jobId: '7', state: 'active', since: at(-60) };
const refused: Partial<Decision> = {
  ...{ id: 'd2', outcome: 'already_running', reason: 'unique_key', jobId: null, survivor },
};
const runLock = lockRow({
  ...{ name: 'run:default/7', kind: 'run', subject: 'chain_state_monitor [mainnet]' },
  job: { queue: 'default', id: '7', type: 'chain_state_monitor' },
});

describe('what can be done about a decision', () => {
  it('is to look at the survivor, its lock and the rule', () => {
    const { store, locks } = setUp({ locks: { 'run:default/7': runLock } });
    assert.deepEqual(remediesOf(decision(refused), store, locks), {
      job: { queue: 'default', id: '7' },
      lock: runLock,
      rule: { type: 'chain_state_monitor', field: 'unique' },
    });
  });

  it('names the lock of a stream by the key of the decision', () => {
    const lock = lockRow({ name: 'stream:nse', kind: 'stream', subject: 'nse' });
    const { store, locks } = setUp({ locks: { 'stream:nse': lock } });
    const held = { action: 'start_stream', subject: 'nse', key: 'stream:nse' } as const;
    const taken = decision({ ...held, outcome: 'refused', reason: 'lease_held', jobId: null });
    assert.deepEqual(remediesOf(taken, store, locks), { lock });
  });

  it('leads to maxConcurrent when that was the rule', () => {
    const { store, locks } = setUp();
    const full = decision({ outcome: 'skipped', reason: 'concurrency_limit', jobId: null });
    assert.equal(remediesOf(full, store, locks).rule?.field, 'maxConcurrent');
  });

  it('is to requeue a job that failed, and nothing about a type that is not declared', () => {
    const { store, locks } = setUp({ jobs: { 'default/7': jobRow({ state: 'failed' }) } });
    assert.deepEqual(remediesOf(decision(), store, locks).failedJob, { queue: 'default', id: '7' });
    const unknown = decision({ subject: 'nobody', outcome: 'refused', reason: 'unknown_type' });
    assert.deepEqual(remediesOf(unknown, store, locks), {});
  });

  it('is offered as commands with what they are about', () => {
    const known = setUp({ locks: { 'run:default/7': runLock } });
    assert.deepEqual(
      remedyActions(decision(refused), known, plain).map(({ title, argument }) => [
        title,
        argument,
      ]),
      [
        ['Reveal Survivor', { queue: 'default', id: '7' }],
        ['Release Lock…', 'run:default/7'],
        ['Open Rule in Config', { type: 'chain_state_monitor', field: 'unique' }],
      ],
    );
  });
});

describe('the explanation of skips', () => {
  const explain = (refusals: Decision[]) =>
    explainDocument('chain_state_monitor', refusals, 400, setUp(), NOW_MS, plain);

  it('tells equal refusals once, with their rule and what can be done', () => {
    const many = Array.from({ length: 398 }, (_, index) =>
      decision({ ...refused, id: `d${index}`, at: at(-index), remedy: 'Wait for job 7.' }),
    );
    const { text, actions } = explain(many);
    assert.match(text, /^# Why chain_state_monitor was skipped\n/);
    assert.match(text, /398 of the last 400 decisions about it:/);
    assert.equal(text.match(/^## /gm)?.length, 1);
    assert.match(text, /## just now: enqueue chain_state_monitor \[mainnet\] \(398 times\)/);
    assert.match(text, /- Rule: unique_key: another job has this key/);
    assert.match(text, /- What to do: Wait for job 7\./);
    const heading = text.split('\n').findIndex((line) => line.startsWith('## '));
    assert.deepEqual([...new Set(actions.map(({ line }) => line))], [heading]);
  });

  it('says that there was none', () => {
    assert.match(explain([]).text, /Nothing was refused in the last 400 decisions about it\./);
  });
});

describe('the place of a rule in the config', () => {
  const text = `{
  // "jobs": { "chain": { "unique": 1 } }
  "jobs": {
    "other": { "unique": { "by": ["a"] } },
    /* "chain": {} */
    "chain": { "handler": "./a.ts", "retry": { "max": 1 },
      "maxConcurrent": 1 , "unique": { "by": ["net, {work}"] } },
    "bare": { "handler": "./b.ts" }
  },
  "schedules": { "chain": { "unique": 1 } }
}`;
  const placed = (type: string, field: 'unique' | 'maxConcurrent') =>
    text.slice(...rulePlace(text, { type, field }));

  it('is the property of the job type', () => {
    assert.equal(placed('chain', 'unique'), '"unique": { "by": ["net, {work}"] }');
    assert.equal(placed('chain', 'maxConcurrent'), '"maxConcurrent": 1');
  });

  it('is another rule, the type, or the beginning where there is none', () => {
    assert.equal(placed('other', 'maxConcurrent'), '"unique": { "by": ["a"] }');
    assert.equal(placed('bare', 'unique'), '"bare": { "handler": "./b.ts" }');
    assert.equal(placed('nobody', 'unique'), '');
    assert.deepEqual(
      rulePlace('{ "jobs": { "chain": ', { type: 'chain', field: 'unique' }),
      [0, 0],
    );
  });
});
