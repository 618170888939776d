import assert from 'node:assert/strict';
import type { Holder } from '../../../../agent/protocol/decision.ts';
import { AGENT_SILENCE_MS, findOrphans } from '../../../../agent/reaper/findOrphans.ts';
import type { AgentFact, OrphanFacts } from '../../../../agent/reaper/orphanFacts.ts';

const NOTHING: OrphanFacts = {
  ...{ declaredQueues: new Set(['q']), leases: [], dedups: [], admissions: [], runs: [] },
  ...{ agents: [], activeJobs: [] },
};
const VIEW = { deadForMs: () => undefined, runsHere: () => false, leastLeftMs: () => 0 };

const holder = (alive: boolean | null): Holder => ({
  ...{ host: 'box', hostId: 'h', pid: 7, role: 'all', agentId: 'a', processStart: '1', alive },
});
const agent = (alive: boolean | null | undefined, unchangedMs: number): AgentFact => ({
  entry: {
    ...{ agentId: 'a', text: '{}', workers: [], streams: [], debugs: [], heartbeatMs: null },
    holder: alive === undefined ? null : holder(alive),
  },
  unchangedMs,
});
const found = (facts: Partial<OrphanFacts>) => findOrphans({ ...NOTHING, ...facts }, VIEW);

describe('what counts as an orphan', () => {
  const YEAR_MS = 365 * 86_400_000;
  const cases: [string, AgentFact, boolean][] = [
    ['a dead agent', agent(false, 0), true],
    ['a frozen agent of this host, after a year', agent(true, YEAR_MS), false],
    ['an agent elsewhere that is silent for less than a minute', agent(null, 59_000), false],
    ['an agent elsewhere that is silent for a minute', agent(null, AGENT_SILENCE_MS), true],
    ['an entry that can not be read, and is new', agent(undefined, 0), false],
    [
      'an entry that can not be read, and does not change',
      agent(undefined, AGENT_SILENCE_MS),
      true,
    ],
  ];
  for (const [what, fact, expected] of cases) {
    it(`${what}: ${expected ? 'yes' : 'no'}`, () => {
      assert.equal(found({ agents: [fact] }).length, expected ? 1 : 0);
    });
  }

  it('a note of a run names the key of a type that has a rule, and none of one that has not', () => {
    const run = (field: string) => ({ type: 't', field, value: '5 job', jobId: 'job' });
    const keys = found({ runs: [run('["a",2]'), run('job')] }).map(({ key }) => key);
    assert.deepEqual(keys, ['a, 2', null]);
  });

  it('what is in a queue of others is told, and not removed', () => {
    const dedup = (queue: string) => ({
      ...{ key: `p:${queue}:de:x`, queue, id: 'x', jobId: '1', fate: 'gone' as const },
    });
    const removals = found({ dedups: [dedup('q'), dedup('theirs')] }).map(({ removal }) => removal);
    assert.deepEqual([removals[0]?.how, removals[1]], ['dedup', null]);
  });
});
