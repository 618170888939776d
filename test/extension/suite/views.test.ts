import * as assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { VIEWS } from '../../../src/contributions.ts';
import { eventually } from '../../harness/eventually.ts';
import {
  enqueue,
  interlock,
  recordActivation,
  rowsOf,
  snapshot,
  waitForState,
  workspaceFolder,
} from './interlock.ts';

describe('the five views show what the agent does', () => {
  before('the agent runs', async () => {
    await (
      await interlock()
    ).ready;
    await waitForState('running');
  });

  it('tells what activating took', async () => {
    assert.ok((await recordActivation()) > 0);
  });

  it('starts an agent with a Redis of its own', async () => {
    const { agent } = await snapshot();
    assert.equal(agent['agent']?.redis.kind, 'private');
    assert.equal(agent['agent'].redis.state, 'connected');
  });

  it('shows a stream that is live, its ticks rising, and its connection below', async () => {
    const ticks = async () => (await snapshot()).streams['feed']?.totalTicks ?? 0;
    const before = await eventually('the first ticks', ticks);
    await eventually('more ticks', async () => (await ticks()) > before);
    const rows = await eventually('a live stream', async () => {
      const shown = await rowsOf(VIEWS.streams);
      return shown[0]?.description.startsWith('live') === true && shown;
    });
    assert.equal(rows[0]?.label, 'feed');
    assert.ok(rows.length > 1, 'the connection is a row below the stream');
  });

  it('shows the queues of all job types', async () => {
    await eventually('all queues', async () => {
      const labels = (await rowsOf(VIEWS.jobs)).map(({ label }) => label);
      for (const queue of ['default', 'slow', 'broken', 'later', 'websocket_data']) {
        assert.ok(labels.includes(queue), `${queue} is missing in ${labels.join(', ')}`);
      }
      return true;
    });
  });

  it('shows the jobs that store ticks as they complete', async () => {
    await eventually('completed jobs', async () => {
      const queue = (await snapshot()).queues['websocket_data'];
      return (queue?.counts.completed ?? 0) > 1;
    });
  });

  it('shows the schedule with its next slot', async () => {
    const row = (await rowsOf(VIEWS.schedules)).find(({ label }) => label === 'hourly');
    assert.notEqual(row?.description ?? '', '');
    assert.notEqual((await snapshot()).schedules['hourly']?.nextSlotAt, null);
  });

  it('shows the locks of the scheduler and of the stream, with an age that grows', async () => {
    const ages = async () => {
      const rows = await rowsOf(VIEWS.locks);
      assert.ok(rows.length >= 2, `${rows.length} locks`);
      return rows.map(({ description }) => description).join('; ');
    };
    const before = await eventually('two locks', ages);
    await eventually('the ages to tick', async () => (await ages()) !== before);
  });

  it('shows the decision on a job that was refused', async () => {
    const until = path.join(workspaceFolder(), 'open-view');
    const id = await enqueue('wait', { until });
    assert.equal(await enqueue('wait', { until }), id, 'the answer names the survivor');
    await eventually('a decision', async () => (await rowsOf(VIEWS.decisions)).length > 0);
    writeFileSync(until, '');
  });
});
