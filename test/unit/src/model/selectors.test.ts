import assert from 'node:assert/strict';
import type { JobRow } from '../../../../agent/protocol/model.ts';
import { jobGroupKey, jobKey } from '../../../../src/model/jobKey.ts';
import { Pages } from '../../../../src/model/pages.ts';
import {
  jobsOfGroup,
  shownJobStates,
  streamHealth,
  streamTotals,
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

  it('counts streams that are live of those that should be', () => {
    const streams = [
      streamRow({ name: 'a' }),
      streamRow({ name: 'b', connections: [connectionRow({ state: 'suspended' })] }),
      streamRow({ name: 'c', wanted: 'stopped', state: 'stopped', connections: [] }),
      streamRow({ name: 'd', state: 'elsewhere', connections: [] }),
    ];
    assert.deepEqual(streamTotals(streams), { live: 2, wanted: 3, suspended: ['b'] });
  });

  it('calls a stream partly live when some of its connections are', () => {
    const connections = [connectionRow(), connectionRow({ shard: 1, state: 'backing_off' })];
    assert.equal(streamHealth(streamRow({ connections })), 'partly');
    assert.equal(streamHealth(streamRow({ connections: connections.slice(1) })), 'connecting');
  });
});
