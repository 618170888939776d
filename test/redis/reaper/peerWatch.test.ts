import assert from 'node:assert/strict';
import { systemClock } from '../../../agent/common/clock.ts';
import type { Holder } from '../../../agent/protocol/decision.ts';
import { AgentRegistry } from '../../../agent/state/agentRegistry.ts';
import { PeerWatch } from '../../../agent/state/peerWatch.ts';
import { processStartOf } from '../../../agent/state/processIdentity.ts';
import { startProcess, type StartedProcess } from '../../harness/childProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { foreignHolder, makeCore, type Core } from '../leases/core.ts';

describe('the watch of other agents', () => {
  let server: RedisServer;
  let core: Core;
  let watch: PeerWatch;
  let peer: StartedProcess;
  let dead: Holder[];

  before(async () => (server = await RedisServer.start()));
  after(() => server.stop());
  beforeEach(async () => {
    core = makeCore(server);
    await core.redis.flushall();
    peer = await startProcess('sleep', ['300']);
    dead = [];
    watch = new PeerWatch({
      ...{ registry: registryOf(core.holder), holder: core.holder, clock: systemClock },
      onDead: (holder) => void dead.push(holder),
    });
  });
  afterEach(async () => {
    watch.close();
    peer.child.kill('SIGKILL');
    await peer.ended;
  });

  function registryOf(holder: Holder): AgentRegistry {
    return new AgentRegistry(core.redis, core.keys.agents, holder, systemClock);
  }

  const peerHolder = (changes: Partial<Holder> = {}): Holder => ({
    ...core.holder,
    ...{ agentId: 'peer', pid: peer.pid, processStart: processStartOf(peer.pid) },
    ...changes,
  });

  async function enter(holder: Holder, workers: string[] = []): Promise<void> {
    const registry = registryOf(holder);
    await registry.announce({ workers });
    // The entry of one that was killed stays; its timer must not.
    await core.redis.rename(core.keys.agents, 'kept');
    await registry.close();
    await core.redis.rename('kept', core.keys.agents);
  }

  it('notices within a moment that a process of this host is gone, and tells it once', async () => {
    await enter(peerHolder(), ['worker-1']);
    watch.start();
    await eventually('the peer to be known', () => watch.holderOf('peer'));
    assert.equal(watch.deadForMs('worker-1:5'), undefined);
    process.kill(peer.pid, 'SIGKILL');
    await peer.ended;
    const from = performance.now();
    await eventually('the death', () => dead.length > 0, { everyMs: 5 });
    const took = performance.now() - from;
    // Its silence alone would be noticed after a minute.
    assert.ok(took < 20_000, `${took} ms`);
    assert.ok((watch.deadForMs('worker-1:5') ?? -1) >= 0);
    assert.equal(watch.deadForMs('worker-2:5'), undefined);
    await eventually('some more looks', () => performance.now() - from > 2_500);
    assert.deepEqual(
      dead.map(({ agentId, alive }) => [agentId, alive]),
      [['peer', false]],
    );
    // Its entry was removed: a job may name it still.
    await core.redis.del(core.keys.agents);
    await watch.refresh();
    assert.equal(watch.holderOf('peer')?.alive, false);
  });

  it('takes a process id that another process has by now for what it is', async () => {
    await enter(peerHolder({ processStart: '1' }));
    await watch.refresh();
    assert.equal(dead.length, 1);
  });

  it('takes nobody for dead who is frozen, elsewhere, or this very agent', async () => {
    process.kill(peer.pid, 'SIGSTOP');
    await enter(peerHolder());
    await enter(foreignHolder('far'));
    await enter({ ...core.holder, pid: 99_999_999 });
    await core.redis.hset(core.keys.agents, 'odd', 'no JSON');
    const entries = await watch.refresh();
    assert.deepEqual(entries.map(({ agentId }) => agentId).sort(), [
      ...[core.holder.agentId, 'far', 'odd', 'peer'].sort(),
    ]);
    assert.deepEqual(dead, []);
  });
});
