import assert from 'node:assert/strict';
import type { AgeAlert, StreamRow } from '../../../../agent/protocol/model.ts';
import { Store } from '../../../../src/model/store.ts';
import { dashboardFacts, statusText } from '../../../../src/present/statusText.ts';
import { agentRow, at, connectionRow, NOW_MS, plain, snapshot, streamRow } from '../rows.ts';

describe('the status bar', () => {
  const textOf = (
    streams: StreamRow[],
    state: 'running' | 'failed' | 'noConfig' = 'running',
    dropping: string[] = [],
  ) => {
    const store = new Store();
    store.replace(
      snapshot(1, { streams: Object.fromEntries(streams.map((row) => [row.name, row])) }),
    );
    return statusText({ state, problem: undefined, store, dropping, nowMs: NOW_MS }, plain);
  };

  it('is quiet while streams are live', () => {
    assert.deepEqual(textOf([streamRow()]), {
      text: '$(pulse) 1/1',
      spoken: 'Interlock: 1 of 1 connections live',
      alarm: 'none',
    });
  });

  it('does not alarm about a stream that reconnects by itself', () => {
    const stream = streamRow({ connections: [connectionRow({ state: 'backing_off' })] });
    const text = textOf([stream]);
    assert.equal(text?.text, '$(pulse) 0/1');
    assert.equal(text.alarm, 'none');
  });

  it('alarms when someone must act', () => {
    const suspended = streamRow({ connections: [connectionRow({ state: 'suspended' })] });
    assert.equal(textOf([suspended])?.alarm, 'warning');
    assert.match(textOf([suspended])?.spoken ?? '', /suspended: nse/);
    assert.equal(textOf([], 'failed')?.alarm, 'warning');
  });

  it('counts connections, not streams, wherever they live', () => {
    const connections = [
      ...[0, 1, 2].map((shard) => connectionRow({ shard })),
      connectionRow({ shard: 3, state: 'backing_off' }),
    ];
    const elsewhere = streamRow({ name: 'bse', state: 'elsewhere' });
    assert.equal(textOf([streamRow({ connections }), elsewhere])?.text, '$(pulse) 4/5');
  });

  const asleep = streamRow({
    ...{ name: 'bse', state: 'sleeping', until: '2026-02-02T03:45:00.000Z' },
    timezone: 'Asia/Kolkata',
    connections: [connectionRow({ state: 'sleeping' })],
  });

  it('does not miss a stream that sleeps, and says in the tooltip until when', () => {
    assert.equal(textOf([streamRow(), asleep])?.text, '$(pulse) 1/1');
    const store = new Store();
    const streams = { nse: streamRow(), bse: asleep };
    store.replace(snapshot(1, { agent: { agent: agentRow() }, streams }));
    const subject = { state: 'running', problem: undefined, store, dropping: [], nowMs: NOW_MS };
    const facts = dashboardFacts({ ...subject, state: 'running' }, plain);
    assert.deepEqual(facts.slice(2, 4), [
      ['Streams', '1 of 1 connections live'],
      ['bse', 'sleeping until Mon 09:15 (Asia/Kolkata)'],
    ]);
  });

  it('is quiet while all of them sleep', () => {
    assert.deepEqual(textOf([asleep]), {
      ...{ text: '$(watch) 0/0', spoken: 'Interlock: all streams are sleeping', alarm: 'none' },
    });
  });

  it('alarms while ticks are given up', () => {
    const text = textOf([streamRow()], 'running', ['nse']);
    assert.equal(text?.alarm, 'warning');
    assert.equal(text.text, '$(warning) 1/1');
    assert.match(text.spoken, /, ticks are dropped: nse$/);
  });

  it('counts nothing where no stream is declared, and hides where nothing is to do', () => {
    assert.equal(textOf([])?.text, '$(pulse) Interlock');
    assert.equal(textOf([], 'noConfig'), undefined);
  });

  const withAlerts = (alerts: AgeAlert[]) => {
    const store = new Store();
    const agent = { agent: agentRow({ alerts }) };
    store.replace(snapshot(1, { agent, streams: { nse: streamRow() } }));
    return { state: 'running', problem: undefined, store, dropping: [], nowMs: NOW_MS } as const;
  };
  const alert = (level: AgeAlert['level'], fields: Partial<AgeAlert> = {}): AgeAlert => ({
    ...{ kind: 'job', key: 'default/7', name: 'chain_state_monitor [mainnet]', level },
    since: at(-1_920),
    ...fields,
  });

  it('stays quiet about an age that is only long, and lists it in the tooltip', () => {
    const subject = withAlerts([alert('warning')]);
    assert.equal(statusText(subject, plain)?.alarm, 'none');
    assert.deepEqual(dashboardFacts(subject, plain).at(-1), [
      'chain_state_monitor [mainnet]',
      'running 32 min · long',
    ]);
  });

  it('warns of a critical age, and leads to where it is', () => {
    assert.deepEqual(statusText(withAlerts([alert('critical')]), plain), {
      text: '$(warning) 1/1',
      spoken:
        'Interlock: 1 of 1 connections live, chain_state_monitor [mainnet] running 32 min · critical',
      alarm: 'warning',
      view: 'interlock.views.jobs',
    });
  });

  it('shows the worst of several', () => {
    const lock = { kind: 'lock', key: 'run:x', name: 'run:x', since: at(-3_600) } as const;
    const text = statusText(withAlerts([alert('critical'), alert('emergency', lock)]), plain);
    assert.equal(text?.text, '$(flame) 1/1');
    assert.equal(text.alarm, 'error');
    assert.equal(text.view, 'interlock.views.locks');
    assert.match(text.spoken, /run:x held 1 h · emergency$/);
  });

  it('lists five in the tooltip, and counts the rest', () => {
    const facts = dashboardFacts(
      withAlerts(Array.from({ length: 8 }, () => alert('critical'))),
      plain,
    );
    assert.equal(facts.filter(([, text]) => text.endsWith('critical')).length, 5);
    assert.deepEqual(facts.at(-1), ['Over their age', '3 more']);
  });
});
