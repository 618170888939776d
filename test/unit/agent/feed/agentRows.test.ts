import assert from 'node:assert/strict';
import { agentsLine, agentsText } from '../../../../agent/cli/text/agentsText.ts';
import { styleFor } from '../../../../agent/cli/text/style.ts';
import { agentRows } from '../../../../agent/feed/agentRows.ts';
import type { Holder } from '../../../../agent/protocol/decision.ts';
import type { AgentEntry } from '../../../../agent/state/agentRegistry.ts';
import { holder, lockRow, NOW_MS } from '../cli/rows.ts';

const plain = styleFor(false, {});
const entry = (facts: Partial<Holder>, heartbeatMs: number | null = NOW_MS - 2_000): AgentEntry => {
  const who = holder(facts);
  return {
    ...{ agentId: who.agentId, text: '', holder: who, workers: ['w1', 'w2'] },
    ...{ streams: ['nse'], debugs: [], heartbeatMs },
  };
};

describe('the agents of a Redis', () => {
  const worker = { role: 'worker', agentId: 'a2', pid: 2 };
  const entries = [
    entry({ ...worker }),
    entry({ role: 'scheduler', agentId: 'a1', pid: 1 }),
    entry({ role: 'worker', agentId: 'a3', pid: 3, alive: false }),
    entry({ role: 'worker', agentId: 'a4', pid: 4, host: 'far', alive: null }, NOW_MS - 60_000),
    { ...entry({ agentId: 'a5' }), holder: null },
  ];
  const locks = [
    lockRow({ holder: holder({ agentId: 'a1' }) }),
    lockRow({ name: 'run:1', kind: 'run', holder: holder(worker) }),
    lockRow({ name: 'run:2', kind: 'run', holder: holder(worker) }),
    ...[0, 1, 2, 3].map((shard) =>
      lockRow({ name: `stream:nse/${shard}`, kind: 'stream', holder: holder(worker) }),
    ),
    lockRow({ name: 'dedup:x', kind: 'dedup', holder: holder(worker) }),
    lockRow({ name: 'run:3', kind: 'run', holder: null }),
  ];
  const rows = agentRows(entries, locks, 'a1', NOW_MS);

  it('are in the order of role and host, with what each holds', () => {
    assert.deepEqual(
      rows.map((row) => [row.role, row.agentId, row.state, row.runsInProgress, row.leases.length]),
      [
        ['scheduler', 'a1', 'self', 0, 1],
        ['worker', 'a2', 'alive', 2, 4],
        ['worker', 'a3', 'dead', 0, 0],
        ['worker', 'a4', 'silent', 0, 0],
      ],
    );
  });

  it('are a table and a line for people', () => {
    const table = agentsText(rows, NOW_MS, plain).split('\n');
    assert.match(
      table[1] ?? '',
      /^scheduler +a1 +devbox:1 +self +2 s ago +0 +2 +scheduler:global_lock$/,
    );
    assert.match(
      table[2] ?? '',
      /alive .* 2 +2 +stream:nse\/0, stream:nse\/1, stream:nse\/2 and 1 more$/,
    );
    assert.equal(
      agentsLine(rows, plain),
      'Agents     4 agents: 1 scheduler, 3 worker; a3 (devbox:3) is dead, a4 (far:4) is silent',
    );
  });
});
