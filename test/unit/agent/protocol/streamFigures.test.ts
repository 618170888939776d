import assert from 'node:assert/strict';
import { runsAlready } from '../../../../agent/protocol/alreadyRunning.ts';
import { connectionState, type ConnectionState } from '../../../../agent/protocol/model.ts';
import {
  byTrouble,
  connectionTotals,
  isTroubled,
  livesElsewhere,
} from '../../../../agent/protocol/streamFigures.ts';
import { connectionRow, holder, streamRow } from '../cli/rows.ts';

const connections = (...states: ConnectionState[]) =>
  states.map((state, shard) => connectionRow({ shard, state }));

describe('connections of all streams', () => {
  it('are counted as live of those that should be, wherever they live', () => {
    const streams = [
      streamRow({ connections: connections('live', 'live', 'backing_off', 'stale') }),
      streamRow({ name: 'b', state: 'elsewhere', connections: connections('live') }),
      streamRow({ name: 'c', state: 'waiting', connections: connections('waiting') }),
      streamRow({
        name: 'd',
        wanted: 'stopped',
        state: 'stopped',
        connections: connections('closed'),
      }),
    ];
    assert.deepEqual(connectionTotals(streams), { live: 3, wanted: 6, sleeping: 0 });
  });

  it('do not miss what sleeps', () => {
    const streams = [
      streamRow({ state: 'sleeping', connections: connections('sleeping', 'sleeping') }),
      streamRow({ name: 'b', state: 'sleeping', connections: [] }),
      streamRow({ name: 'c', connections: connections('live', 'sleeping') }),
    ];
    assert.deepEqual(connectionTotals(streams), { live: 1, wanted: 1, sleeping: 4 });
  });

  it('miss one of a stream that has none yet', () => {
    assert.deepEqual(connectionTotals([streamRow({ connections: [] })]), {
      ...{ live: 0, wanted: 1, sleeping: 0 },
    });
  });

  it('are sorted by what needs a person first, then by shard', () => {
    const rows = connections(...connectionState.options, 'suspended');
    const order = [...rows].sort(byTrouble).map(({ state, shard }) => `${state} ${shard}`);
    assert.deepEqual(order.slice(0, 3), ['suspended 5', 'suspended 9', 'backing_off 4']);
    assert.deepEqual(order.slice(-2), ['live 2', 'sleeping 7']);
    assert.deepEqual(
      rows.filter((row) => !isTroubled(row)).map(({ state }) => state),
      ['live', 'sleeping'],
    );
  });

  it('live elsewhere when another agent holds them', () => {
    const other = connectionRow({ holder: holder({ agentId: 'a2' }) });
    assert.equal(livesElsewhere(other, 'a1'), true);
    assert.equal(livesElsewhere(other, 'a2'), false);
    assert.equal(livesElsewhere(other, undefined), false);
    assert.equal(livesElsewhere(connectionRow({ holder: null }), 'a1'), false);
  });
});

describe('a stream that runs already', () => {
  it('is one that is wanted and held, here or elsewhere', () => {
    const states = ['running', 'elsewhere', 'waiting', 'stopped', 'sleeping'] as const;
    const running = states.filter((state) => runsAlready(streamRow({ state })));
    assert.deepEqual(running, ['running', 'elsewhere']);
    assert.equal(runsAlready(streamRow({ wanted: 'stopped' })), false, 'it is about to end');
  });
});
