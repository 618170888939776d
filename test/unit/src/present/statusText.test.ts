import assert from 'node:assert/strict';
import type { AgeAlert, StreamRow } from '../../../../agent/protocol/model.ts';
import { Store } from '../../../../src/model/store.ts';
import { dashboardFacts, statusText } from '../../../../src/present/statusText.ts';
import { agentRow, at, connectionRow, NOW_MS, plain, snapshot, streamRow } from '../rows.ts';

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

  it('counts nothing where no stream is declared, and hides where nothing is to do', () => {
    assert.equal(textOf([])?.text, '$(pulse) Interlock');
    assert.equal(textOf([], 'noConfig'), undefined);
  });

  const withAlerts = (alerts: AgeAlert[]) => {
    const store = new Store();
    const agent = { agent: agentRow({ alerts }) };
    store.replace(snapshot(1, { agent, streams: { nse: streamRow() } }));
    return { state: 'running', problem: undefined, store, nowMs: NOW_MS } as const;
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
        'Interlock: 1 of 1 streams live, chain_state_monitor [mainnet] running 32 min · critical',
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
