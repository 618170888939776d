import assert from 'node:assert/strict';
import type { ConnectionRow } from '../../../../agent/protocol/model.ts';
import {
  connectionDetails,
  describeConnection,
  describeConnections,
  describeTroubled,
  describeSymbol,
} from '../../../../src/present/connectionText.ts';
import { at, connectionRow, holder, NOW_MS, plain } from '../rows.ts';

const view = { nowMs: NOW_MS, agentId: 'a1' };
const rowOf = (fields: Partial<ConnectionRow>) =>
  describeConnection(connectionRow(fields), view, plain);
const detailsOf = (fields: Partial<ConnectionRow>) =>
  new Map(
    connectionDetails(connectionRow(fields), view, plain).map(({ label, text }) => [label, text]),
  );
const other = { holder: { ...holder, agentId: 'a2', pid: 99 }, asOf: at(-20) };

describe('rows of connections', () => {
  it('say how much came while all is well', () => {
    const fields = { messages: 45_123, symbolCount: 50, lastMessageAt: at(-1) };
    assert.equal(rowOf(fields), 'live · 45,123 messages · 50 symbols');
    const filling = rowOf({ ...fields, buffered: 999 });
    assert.equal(filling, rowOf(fields), 'batches that fill are no trouble');
  });

  it('tell the trouble first, then every count that should be none', () => {
    const broken = { state: 'backing_off', trouble: 'closed with 1006\nmore', errors: 8 } as const;
    assert.equal(
      rowOf({ ...broken, gaps: 3, dropped: 4, buffered: 1_000, reconnectAttempts: 2 }),
      'reconnecting · closed with 1006 · 0 messages · 2 symbols · 8 errors · 3 lost · 4 dropped · 1,000 buffered · attempt 2',
    );
  });

  it('let a silence tick', () => {
    assert.match(
      rowOf({ state: 'stale', lastMessageAt: at(-12) }),
      /^silent · .* · last 12 s ago$/,
    );
    assert.doesNotMatch(rowOf({ lastMessageAt: at(-1.9) }), /last/);
  });

  it('name the holder of one that lives elsewhere, and how old its figures are', () => {
    assert.equal(rowOf(other), 'live · devbox:99 all · 0 messages · 2 symbols · as of 20 s ago');
    assert.doesNotMatch(rowOf({}), /devbox/, 'the agent of this window needs no name');
  });

  it('are counted by state in a group, the worst first', () => {
    const rows = (['live', 'backing_off', 'suspended', 'live', 'suspended'] as const).map((state) =>
      connectionRow({ state }),
    );
    assert.equal(describeConnections(rows, plain), '2/5 live · 2 suspended · 1 reconnecting');
    assert.equal(describeTroubled(rows, plain), '2 suspended · 1 reconnecting');
    assert.equal(describeConnections([], plain), '0/0 live');
  });
});

describe('the figures of a connection', () => {
  it('leave out what tells nothing', () => {
    const details = detailsOf({});
    assert.equal(details.get('Last message'), 'none yet');
    assert.equal(details.get('Ticks lost'), '0');
    for (const label of ['Lag (p50, p99)', 'Waiting for Redis', 'Holder', 'Figures as of'])
      assert.equal(details.has(label), false, label);
  });

  it('tell lag, what waits, and of one elsewhere who has it', () => {
    const details = detailsOf({ ...other, lag: { p50: 1.26, p99: 1_080.4 }, buffered: 12 });
    assert.equal(details.get('Lag (p50, p99)'), '1.3 ms, 1,080 ms');
    assert.equal(details.get('Waiting for Redis'), '12');
    assert.equal(details.get('Holder'), 'devbox:99 all');
    assert.equal(details.get('Figures as of'), '20 s ago');
  });
});

describe('rows of symbols', () => {
  const symbol = { symbol: 'NSE:TCS25JULFUT', name: 'tcs', shard: 0, ticks: 1_234, gaps: 0 };

  it('say what they are stored as, and when the last tick came', () => {
    const row = { ...symbol, lastTickAt: at(-3) };
    assert.equal(describeSymbol(row, NOW_MS, plain), 'tcs · 1,234 ticks · last 3 s ago');
    const silent = { ...symbol, name: symbol.symbol, ticks: 0, gaps: 2, lastTickAt: null };
    assert.equal(describeSymbol(silent, NOW_MS, plain), '0 ticks · 2 lost · none yet');
  });
});
