import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../../../agent/common/clock.ts';
import { InterlockError, toInterlockError } from '../../../agent/common/errors.ts';
import { RpcServer } from '../../../agent/rpc/server.ts';
import { makeTemporaryFolder, type TemporaryFolder } from '../../harness/temporaryFolder.ts';

describe('the socket of an agent', () => {
  let folder: TemporaryFolder;
  let socketPath: string;
  const servers: RpcServer[] = [];

  beforeEach(() => {
    folder = makeTemporaryFolder();
    socketPath = path.join(folder.path, 's', 'agent.sock');
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close('the test ends');
    folder.remove();
  });

  function server(): RpcServer {
    const made = new RpcServer({
      ...{ socketPath, clock: systemClock, logger: pino({ level: 'silent' }) },
      ...{ explain: toInterlockError, onClientsChange: () => undefined },
    });
    servers.push(made);
    return made;
  }

  it('lies in a folder that is ours alone, and is ours alone', async () => {
    await server().bind();
    assert.equal(statSync(path.dirname(socketPath)).mode & 0o777, 0o700);
    assert.equal(statSync(socketPath).mode & 0o777, 0o600);
  });

  it('is taken by one of several agents that start at once over a leftover', async () => {
    for (let round = 0; round < 5; round += 1) {
      const first = server();
      await first.bind();
      await first.close('makes room');
      writeFileSync(socketPath, 'left over');
      const starts = await Promise.allSettled(Array.from({ length: 4 }, () => server().bind()));
      const refused = starts.filter((start) => start.status === 'rejected');
      assert.equal(refused.length, 3);
      for (const { reason } of refused) {
        assert.ok(reason instanceof InterlockError);
        assert.equal(reason.code, 'already_running');
        assert.match(reason.remedy ?? '', /interlock stop/);
      }
      for (const one of servers.splice(0)) await one.close('the round ends');
    }
  });
});
