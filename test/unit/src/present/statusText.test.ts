import assert from 'node:assert/strict';
import type { StreamRow } from '../../../../agent/protocol/model.ts';
import { Store } from '../../../../src/model/store.ts';
import { statusText } from '../../../../src/present/statusText.ts';
import { connectionRow, NOW_MS, plain, snapshot, streamRow } from '../rows.ts';

describe('the status bar', () => {
  const textOf = (streams: StreamRow[], state: 'running' | 'failed' | 'noConfig' = 'running') => {
    const store = new Store();
    store.replace(
      snapshot(1, { streams: Object.fromEntries(streams.map((row) => [row.name, row])) }),
    );
    return statusText({ state, problem: undefined, store, nowMs: NOW_MS }, plain);
  };

  it('is quiet while streams are live', () => {
    assert.deepEqual(textOf([streamRow()]), {
      text: '$(pulse) 1/1',
      spoken: 'Interlock: 1 of 1 streams live',
      alarm: false,
    });
  });

  it('does not alarm about a stream that reconnects by itself', () => {
    const stream = streamRow({ connections: [connectionRow({ state: 'backing_off' })] });
    const text = textOf([stream]);
    assert.equal(text?.text, '$(pulse) 0/1');
    assert.equal(text.alarm, false);
  });

  it('alarms when someone must act', () => {
    const suspended = streamRow({ connections: [connectionRow({ state: 'suspended' })] });
    assert.equal(textOf([suspended])?.alarm, true);
    assert.match(textOf([suspended])?.spoken ?? '', /suspended: nse/);
    assert.equal(textOf([], 'failed')?.alarm, true);
  });

  it('counts nothing where no stream is declared, and hides where nothing is to do', () => {
    assert.equal(textOf([])?.text, '$(pulse) Interlock');
    assert.equal(textOf([], 'noConfig'), undefined);
  });
});
