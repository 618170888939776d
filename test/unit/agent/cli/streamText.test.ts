import assert from 'node:assert/strict';
import { clockTime } from '../../../../agent/cli/text/ages.ts';
import { streamLine, streamsText } from '../../../../agent/cli/text/streamText.ts';
import { styleFor } from '../../../../agent/cli/text/style.ts';
import type { ConnectionRow, StreamRow } from '../../../../agent/protocol/model.ts';
import { connectionRow, holder, isoBefore, NOW_MS, streamRow } from './rows.ts';

const plain = styleFor(false, {});
const coloured = styleFor(true, {});
const MINUTE_MS = 60_000;

const shard = (index: number, facts: Partial<ConnectionRow> = {}) =>
  connectionRow({ shard: index, reconnectAttempts: 0, gaps: 0, errors: 0, ...facts });

const linesOf = (facts: Partial<StreamRow>, view: { most?: number } = {}) =>
  streamsText([streamRow(facts)], { nowMs: NOW_MS, agentId: 'a1', ...view }, plain).split('\n');

describe('the block of a stream', () => {
  it('has totals with the time, a line for each connection, and its trouble below', () => {
    const connections = [
      shard(0, { messages: 45_123, symbolCount: 50, lag: { p50: 12.4, p99: 80.2 } }),
      shard(1, {
        ...{ state: 'backing_off', errors: 8, reconnectAttempts: 2, gaps: 3, dropped: 7 },
        ...{ lastMessageAt: isoBefore(2 * MINUTE_MS), trouble: 'closed with 1006' },
      }),
    ];
    const totals = { totalMessages: 145_955, totalErrors: 12, totalGaps: 3, totalDropped: 7 };
    const time = clockTime(NOW_MS);
    assert.deepEqual(linesOf({ connections, connected: 1, ...totals }), [
      `nse  1/2 connected at ${time}, 145,955 messages, 12 errors, 5,678 ticks, 20 batches, 3 lost, 7 dropped  ws://127.0.0.1:9000/ticks`,
      '  shard  state            msgs  errs  symbols  last                  lag p50/p99  gaps  dropped',
      `      0  ● live         45,123     0       50  ${clockTime(NOW_MS - 300)}                 12/80 ms     0        0`,
      `      1  ◐ backing off   1,234     8        2  ${clockTime(NOW_MS - 2 * MINUTE_MS)} (2 min ago)            -     3        7`,
      '      reconnect attempts: 2',
      '      closed with 1006',
    ]);
  });

  it('says where to declare one when there is none', () => {
    assert.match(streamsText([], { nowMs: NOW_MS, agentId: 'a1' }, plain), /"streams"/);
  });

  it('names who has a connection that lives elsewhere, and how old its figures are', () => {
    const other = { holder: holder({ agentId: 'a2', pid: 99 }), asOf: isoBefore(20_000) };
    const nobody = shard(2, { state: 'waiting', holder: null });
    const lines = linesOf({ connections: [shard(0), shard(1, other), nobody] });
    assert.match(lines[2] ?? '', / this agent$/);
    assert.match(lines[3] ?? '', / devbox:99, as of 20 s ago$/);
    assert.match(lines[4] ?? '', / -$/);
    assert.doesNotMatch(linesOf({})[1] ?? '', /held by/);
  });

  it('tells health, cut symbols, aliases and what waits for Redis', () => {
    const lines = linesOf({
      health: { at: isoBefore(MINUTE_MS), ok: false, summary: '0 of 1 connections live' },
      ...{
        symbolCount: 300,
        cutSymbols: 50,
        aliases: 1,
        connections: [shard(0, { buffered: 12_000 })],
      },
    });
    assert.equal(lines[1], '  health: 0 of 1 connections live (1 min ago)');
    assert.equal(lines[2], '  50 of 300 symbols cut off by maxSymbols');
    assert.equal(lines[3], '  1 symbol left out: another one means the same');
    assert.equal(lines[6], '      12,000 ticks wait for Redis');
  });

  it('says until when it sleeps, and who runs it elsewhere', () => {
    const line = (facts: Partial<StreamRow>) => streamLine(streamRow(facts), NOW_MS, plain);
    const until = '2026-02-02T03:45:00.000Z';
    assert.match(
      line({ state: 'sleeping', until, timezone: 'Asia/Kolkata' }),
      /^nse {2}sleeping until Mon 09:15 \(Asia\/Kolkata\), /,
    );
    assert.match(line({ state: 'elsewhere' }), /^nse {2}1\/1 connected elsewhere by devbox:4711, /);
    assert.match(
      line({ state: 'elsewhere', connections: [] }),
      /^nse {2}elsewhere by devbox:4711,/,
    );
    assert.match(line({ state: 'waiting', connections: [] }), /^nse {2}waiting for an agent, /);
    assert.match(line({ state: 'stopped', connections: [] }), /^nse {2}stopped, /);
  });

  it('does not count a sleeping connection as missing', () => {
    const connections = [shard(0), shard(1, { state: 'sleeping' })];
    assert.match(linesOf({ connections })[0] ?? '', /^nse {2}1\/1 connected/);
  });

  it('shows of many the troubled ones first, and counts the rest by how they do', () => {
    const state = (index: number) =>
      index < 3 ? 'backing_off' : index === 9 ? 'suspended' : index === 8 ? 'sleeping' : 'live';
    const connections = Array.from({ length: 10 }, (_, index) =>
      shard(index, { state: state(index) }),
    );
    const shown = linesOf({ connections }, { most: 2 }).slice(2);
    assert.deepEqual(
      shown.map((line) => line.trim().split(/ {2,}/).slice(0, 2).join(' ')),
      [
        '9 ○ suspended',
        '0 ◐ backing off',
        'and 5 more live, 2 more that are not live, 1 more sleeping',
      ],
    );
    const all = linesOf({ connections }, { most: 10 });
    assert.match(all[2] ?? '', /^ +0 /, 'all of them are in their order');
    assert.equal(all.length, 12);
  });

  it('paints trouble, and needs no colour to be read', () => {
    const connections = [shard(0, { state: 'suspended', trouble: 'HTTP 401' })];
    const view = { nowMs: NOW_MS, agentId: 'a1' };
    const text = streamsText([streamRow({ connections })], view, coloured);
    assert.ok(text.includes(coloured.bad('○ suspended')));
    assert.ok(text.includes(coloured.bad('HTTP 401')));
  });
});
