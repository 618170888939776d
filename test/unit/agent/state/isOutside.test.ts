import assert from 'node:assert/strict';
import { isOutside, outsideName } from '../../../../agent/state/isOutside.ts';

const AGENTS = [
  { agentId: 'a1', workers: ['w1', 'w2'] },
  { agentId: 'a2', workers: [] },
];

describe('whose a run is', () => {
  for (const [what, token, name, outside] of [
    ['a lock of an agent', 'w2:7', 'a1', false],
    ['a lock of an agent, with the name of a former worker', 'w2:7', 'invoices', false],
    ['a lock under a debugger', 'w1:debug-1', 'a1', false],
    ['a lock of nobody here', 'x:7', 'invoices', true],
    ['a lock of a worker without a name', 'x:7', '', true],
    ['a lock of nobody here, with the name of an agent that ran it before', 'x:7', 'a1', true],
    ['a lock of an agent that has not told its workers yet', 'x:7', 'a2', false],
    ['no lock, and the name of an agent', null, 'a1', false],
    ['no lock, and another name', null, 'invoices', true],
  ] as const) {
    it(`is told by ${what}`, () => assert.equal(isOutside(AGENTS, token, name), outside));
  }

  it('is called by the name of the worker, where that is none of an agent', () => {
    const called = ['invoices', '', 'a1'].map((name) => outsideName(AGENTS, name));
    assert.deepEqual(called, ['invoices', null, null]);
  });
});
