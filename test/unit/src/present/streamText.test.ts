import assert from 'node:assert/strict';
import type { StreamRow } from '../../../../agent/protocol/model.ts';
import { describeStream, streamFacts, streamNotes } from '../../../../src/present/streamText.ts';
import { at, connectionRow, holder, NOW_MS, plain, streamRow } from '../rows.ts';

const rowOf = (fields: Partial<StreamRow>, rate?: number) =>
  describeStream(streamRow(fields), rate, NOW_MS, plain);

const states = (...all: StreamRow['connections'][number]['state'][]) => ({
  connections: all.map((state, shard) => connectionRow({ shard, state })),
});

describe('rows of streams', () => {
  it('say how they do and how much comes', () => {
    assert.equal(rowOf({}, 3.04), 'live · 12,345 ticks · 3 batches/s');
    assert.equal(rowOf({}), 'live · 12,345 ticks');
  });

  it('count connections where there are several', () => {
    assert.equal(rowOf(states('live', 'live')), '2/2 live · 12,345 ticks');
    assert.equal(
      rowOf(states('live', 'live', 'live', 'live', 'backing_off')),
      '4/5 live · 12,345 ticks',
    );
    assert.equal(rowOf(states('live', 'suspended')), '1/2 live · 1 suspended · 12,345 ticks');
    assert.equal(rowOf(states('suspended')), 'suspended · 12,345 ticks');
    assert.equal(rowOf(states('connecting', 'stale')), 'connecting · 0/2 live · 12,345 ticks');
    assert.equal(rowOf(states('live', 'live', 'sleeping')), '2/2 live · 12,345 ticks');
  });

  it('tell ticks that are lost or were given up', () => {
    const text = rowOf({ totalGaps: 3, totalDropped: 1_200 });
    assert.equal(text, 'live · 12,345 ticks · 3 lost · 1,200 dropped');
  });

  it('name the holder when it is another agent', () => {
    const elsewhere: Partial<StreamRow> = { state: 'elsewhere', connections: [] };
    assert.equal(rowOf(elsewhere), 'runs elsewhere · devbox:4711 all · 12,345 ticks');
    assert.equal(
      rowOf({ ...states('live', 'backing_off'), state: 'elsewhere' }),
      '1/2 live · devbox:4711 all · 12,345 ticks',
    );
  });

  it('say until when they sleep, in the time zone of their hours', () => {
    const until = '2026-02-02T03:45:00.000Z';
    const asleep = { state: 'sleeping', until, timezone: 'Asia/Kolkata' } as const;
    assert.equal(rowOf(asleep), 'sleeping until Mon 09:15 (Asia/Kolkata)');
    assert.equal(rowOf({ ...asleep, until: null }), 'sleeping, and no opening is in sight');
  });

  it('say that nobody has them yet, or that they are stopped', () => {
    const waiting: Partial<StreamRow> = { state: 'waiting', holder: null, connections: [] };
    assert.equal(rowOf(waiting, 2), 'waiting for an agent');
    assert.equal(rowOf({ state: 'stopped', wanted: 'stopped' }, 2), 'stopped');
  });
});

describe('what a person should know of a stream', () => {
  it('is nothing as long as all is well', () => {
    assert.deepEqual(streamNotes(streamRow(), NOW_MS, plain), []);
  });

  it('is its health, what was cut off and what means the same', () => {
    const stream = streamRow({
      health: { at: at(-90), ok: false, summary: '4 of 5 connections live' },
      ...{ symbolCount: 300, cutSymbols: 50, aliases: 2 },
    });
    const notes = streamNotes(stream, NOW_MS, plain);
    assert.deepEqual(
      notes.map(({ label, text, warns }) => [label, text, warns]),
      [
        ['Health', '4 of 5 connections live · 1 min 30 s ago', true],
        ['Cut off', '50 of 300 symbols cut off by maxSymbols', true],
        ['Aliases', '2 symbols left out: others mean the same', false],
      ],
    );
    const facts = new Map(streamFacts(stream, undefined, NOW_MS, plain));
    assert.equal(facts.get('Cut off'), '50 of 300 symbols cut off by maxSymbols');
    assert.equal(facts.get('Symbols'), '300');
    assert.equal(facts.get('Ticks dropped'), '', 'zeros of what should never happen are not told');
    assert.equal(facts.get('Holder'), `${holder.host}:${holder.pid} all`);
  });
});
