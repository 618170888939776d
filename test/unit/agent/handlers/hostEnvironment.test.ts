import assert from 'node:assert/strict';
import { hostEnvironment } from '../../../../agent/handlers/hostEnvironment.ts';

describe('hostEnvironment', () => {
  it('passes on everything but our secrets', () => {
    const environment = { PATH: '/bin', API_TOKEN: 'theirs', INTERLOCK_TOKEN: 'x' };
    assert.deepEqual(hostEnvironment({ ...environment, INTERLOCK_AGENT_TOKEN: 'y' }), {
      PATH: '/bin',
      API_TOKEN: 'theirs',
    });
  });

  it('leaves the inspector of the agent to the agent', () => {
    const agent = { NODE_OPTIONS: '--inspect-brk=0 --max-old-space-size=99 --inspect' };
    assert.deepEqual(hostEnvironment(agent), { NODE_OPTIONS: '--max-old-space-size=99' });
  });
});
