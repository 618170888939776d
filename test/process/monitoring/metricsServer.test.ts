import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { pino } from 'pino';
import { MetricsServer } from '../../../agent/metrics/metricsServer.ts';
import { eventually } from '../../harness/eventually.ts';
import { portOf } from '../../harness/portOf.ts';
import { ManualClock } from '../../unit/agent/streams/manualClock.ts';

describe('the port of the metrics', () => {
  let other: Server;
  let server: MetricsServer;
  let clock: ManualClock;
  let lines: string[];

  beforeEach(async () => {
    [lines, clock] = [[], new ManualClock()];
    other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    server = new MetricsServer({
      ...{ host: '127.0.0.1', port: portOf(other), clock, text: () => Promise.resolve('x 1\n') },
      logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    });
  });
  afterEach(async () => {
    await server.close();
    other.close();
  });

  const status = () => server.status;
  const free = () => new Promise((resolve) => other.close(resolve));

  it('is tried again until it is free, and told once', async () => {
    await server.start();
    assert.equal(status().url, null);
    assert.match(status().trouble ?? '', /is taken by another process/);
    await clock.advance(30_000);
    assert.equal(lines.length, 1);
    await free();
    await clock.advance(10_000);
    await eventually('the port', () => status().url !== null);
    assert.equal(status().trouble, null);
    const url = status().url ?? '';
    assert.equal(await (await fetch(url)).text(), 'x 1\n');
    const head = await fetch(url, { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
  });

  it('is not tried again by one that is closed', async () => {
    await server.start();
    await server.close();
    await free();
    await clock.advance(60_000);
    assert.equal(status().url, null);
  });
});
