import assert from 'node:assert/strict';
import type { JobRow } from '../../../../agent/protocol/model.ts';
import { jobGroupKey, jobKey } from '../../../../src/model/jobKey.ts';
import { Pages } from '../../../../src/model/pages.ts';
import {
  jobsOfGroup,
  shownJobStates,
  connectionOf,
  isConnected,
  streamHealth,
  suspendedStreams,
} from '../../../../src/model/selectors.ts';
import { Store } from '../../../../src/model/store.ts';
import { at, connectionRow, jobRow, queueRow, snapshot, streamRow } from '../rows.ts';

describe('selectors', () => {
  it('shows the groups that have jobs, what happens now first', () => {
    const queue = queueRow('default', { completed: 3, failed: 1, active: 2 });
    assert.deepEqual(shownJobStates(queue), ['active', 'waiting', 'failed', 'completed']);
  });

  it('shows no group of a queue without jobs, and steady ones while there is any', () => {
    assert.deepEqual(shownJobStates(queueRow('low')), []);
    const delayed = queueRow('low', { delayed: 1 });
    assert.deepEqual(shownJobStates(delayed), ['active', 'waiting', 'delayed', 'completed']);
  });

  it('lists the newest failed job first, and loaded ones behind those that are sent', () => {
    const store = new Store();
    const failed = (id: string, finishedAt: string) => jobRow({ id, state: 'failed', finishedAt });
    store.replace(
      snapshot(1, {
        jobs: {
          'default/1': failed('1', at(-50)),
          'default/2': failed('2', at(-10)),
          'low/9': jobRow({ id: '9', queue: 'low', state: 'failed' }),
        },
      }),
    );
    const pages = new Pages<JobRow>(jobKey);
    pages.add(jobGroupKey('default', 'failed'), [failed('0', at(-90)), failed('1', at(-50))]);
    const ids = jobsOfGroup(store, pages, 'default', 'failed').map(({ id }) => id);
    assert.deepEqual(ids, ['2', '1', '0']);
  });

  it('orders jobs of one instant by their number', () => {
    const store = new Store();
    store.replace(
      snapshot(1, {
        jobs: {
          a: jobRow({ id: '10', state: 'waiting' }),
          b: jobRow({ id: '9', state: 'waiting' }),
        },
      }),
    );
    const ids = jobsOfGroup(store, new Pages<JobRow>(jobKey), 'default', 'waiting').map(
      ({ id }) => id,
    );
    assert.deepEqual(ids, ['9', '10']);
  });

  it('finds the streams that only a person brings back', () => {
    const suspended = { connections: [connectionRow({ state: 'suspended' })] };
    const streams = [
      streamRow({ name: 'a' }),
      streamRow({ name: 'b', ...suspended }),
      streamRow({ name: 'c', ...suspended, wanted: 'stopped' }),
      streamRow({ name: 'd', ...suspended, state: 'elsewhere' }),
    ];
    assert.deepEqual(
      suspendedStreams(streams).map(({ name }) => name),
      ['b', 'd'],
    );
  });

  it('tells the trouble of a stream before the place where it runs', () => {
    const health = (fields: Parameters<typeof streamRow>[0]) => streamHealth(streamRow(fields));
    const suspended = [connectionRow(), connectionRow({ shard: 1, state: 'suspended' })];
    assert.equal(health({ state: 'elsewhere' }), 'elsewhere');
    assert.equal(health({ state: 'elsewhere', connections: suspended }), 'suspended');
    assert.equal(health({ state: 'elsewhere', connections: [] }), 'elsewhere');
    assert.equal(health({ state: 'sleeping', connections: suspended }), 'sleeping');
    assert.equal(health({ state: 'waiting', connections: [] }), 'waiting');
    assert.equal(health({ connections: [] }), 'connecting');
    const asleep = connectionRow({ shard: 1, state: 'sleeping' });
    assert.equal(health({ connections: [connectionRow(), asleep] }), 'live');
  });

  it('finds a shard by its number, also when one is missing', () => {
    const connections = [connectionRow({ shard: 0 }), connectionRow({ shard: 2 })];
    assert.equal(connectionOf(streamRow({ connections }), 2), connections[1]);
    assert.equal(connectionOf(streamRow({ connections }), 1), undefined);
    assert.equal(connectionOf(undefined, 0), undefined);
  });

  it('knows whether a stream has a connection to lose', () => {
    const away = { connected: 0, connections: [connectionRow({ state: 'backing_off' })] };
    assert.equal(isConnected(streamRow(away)), false);
    assert.equal(isConnected(streamRow()), true);
  });

  it('calls a stream partly live when some of its connections are', () => {
    const connections = [connectionRow(), connectionRow({ shard: 1, state: 'backing_off' })];
    assert.equal(streamHealth(streamRow({ connections })), 'partly');
    assert.equal(streamHealth(streamRow({ connections: connections.slice(1) })), 'connecting');
  });
});
