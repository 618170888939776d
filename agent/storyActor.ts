/** The program of one process of a simulated story. Its agents are wired as the real one is. */
import { systemClock } from './common/clock.ts';
import { systemRandom } from './common/random.ts';
import { ServiceSet } from './compose.ts';
import { ROLE_ALL } from './protocol/role.ts';
import { runStoryActor } from './simulate/stories/actorProgram.ts';
import { currentHolder } from './state/processIdentity.ts';

const LOCKS_SHOWN = 100;

runStoryActor(async ({ config, connections, agentId, logger }) => {
  const services = new ServiceSet({
    ...{ config, connections, logger, workspace: process.cwd(), stateFolder: null },
    role: ROLE_ALL,
    ...{ holder: currentHolder('all', agentId), clock: systemClock, random: systemRandom },
    onRunsChange: () => undefined,
  });
  await services.start();
  const { enqueuing, streams, locks } = services.offered();
  return {
    enqueuing,
    startStream: (name) => {
      if (streams === undefined) throw new Error('An agent of every role has streams.');
      return streams.start(name);
    },
    locks: async () => (await locks({ limit: LOCKS_SHOWN, offset: 0 })).rows,
  };
});
