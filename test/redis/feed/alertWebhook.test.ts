import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import * as z from 'zod';
import { systemClock } from '../../../agent/common/clock.ts';
import { AlertClaims } from '../../../agent/feed/alertClaims.ts';
import { AlertWebhook, type DeliveryResult } from '../../../agent/feed/alertWebhook.ts';
import type { AgeAlert } from '../../../agent/protocol/model.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import { eventually } from '../../harness/eventually.ts';
import { portOf } from '../../harness/portOf.ts';
import { RedisServer } from '../../harness/redisServer.ts';

const SECRET = 'T0P-SECRET';
const logLine = z.looseObject({ level: z.number(), msg: z.string() });
const WARN = 40;

describe('the webhook for alerts', () => {
  let redis: RedisServer;
  let server: Server;
  let bodies: Record<string, unknown>[];
  let headers: IncomingMessage['headers'][];
  let answer: (response: ServerResponse) => void;
  let lines: string[];
  let results: DeliveryResult[];
  let open: AlertWebhook[];

  before(async () => {
    redis = await RedisServer.start();
    server = createServer((request, response) => {
      headers.push(request.headers);
      void text(request).then((body) => {
        bodies.push(z.record(z.string(), z.unknown()).parse(JSON.parse(body)));
        answer(response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await redis.stop();
  });
  beforeEach(async () => {
    [bodies, headers, lines, results, open] = [[], [], [], [], []];
    answer = (response) => response.writeHead(204).end();
    await redis.client().flushall();
  });
  afterEach(() => Promise.all(open.map((one) => one.close())));

  const status = (code: number) => (response: ServerResponse) => response.writeHead(code).end();
  const alert = (facts: Partial<AgeAlert> = {}): AgeAlert => ({
    ...{ kind: 'job', key: 'default/7', name: 'sync [a]', level: 'critical' },
    since: new Date(Date.now() - 31 * 60_000).toISOString(),
    ...facts,
  });
  function webhook(agentId = 'a1', facts: { timeout?: number; maxRetries?: number } = {}) {
    const one = new AlertWebhook({
      webhook: {
        url: `http://127.0.0.1:${portOf(server)}/${SECRET}`,
        headers: { authorization: `Bearer ${SECRET}` },
        ...{ timeout: 5_000, maxRetries: 3, ...facts },
      },
      agent: { agentId, host: 'box', role: 'worker' },
      claims: new AlertClaims(redis.client(), new Keys('bull'), agentId),
      clock: systemClock,
      // No pause between two tries.
      random: () => 0,
      logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
      onResult: (result) => results.push(result),
    });
    open.push(one);
    return one;
  }
  const warnings = () =>
    lines.map((line) => logLine.parse(JSON.parse(line))).filter(({ level }) => level === WARN);
  const resultsAre = (count: number) =>
    eventually(`${count} results`, () => results.length === count);

  it('gets what it is about as JSON, with a sentence and the headers of the config', async () => {
    webhook().send(alert());
    await resultsAre(1);
    const [body] = bodies;
    assert.equal(body?.['text'], 'critical: job sync [a] runs for 31 min');
    assert.equal(body['event'], 'age_alert');
    assert.deepEqual(body['agent'], { agentId: 'a1', host: 'box', role: 'worker' });
    assert.equal(headers[0]?.authorization, `Bearer ${SECRET}`);
    assert.deepEqual([results, lines], [['delivered'], []]);
  });

  it('is told of an alert by one of all agents that see it, and of each level of it', async () => {
    const agents = ['a1', 'a2', 'a3'].map((id) => webhook(id));
    const since = alert().since;
    for (const one of agents) one.send(alert({ since }));
    await resultsAre(1);
    for (const one of agents) one.send(alert({ since, level: 'emergency' }));
    await resultsAre(2);
    webhook('a4').send(alert({ since, key: 'default/8' }));
    await resultsAre(3);
    assert.deepEqual(
      bodies.map(({ level, key }) => [level, key]),
      [
        ['critical', 'default/7'],
        ['emergency', 'default/7'],
        ['critical', 'default/8'],
      ],
    );
    assert.equal(new Set(bodies.map(({ id }) => id)).size, 3);
  });

  it('gets it again while it is in trouble, under the same id', async () => {
    const answers = [status(500), status(429), status(200)];
    answer = (response) => (answers.shift() ?? status(200))(response);
    webhook().send(alert());
    await resultsAre(1);
    assert.deepEqual(results, ['delivered']);
    assert.equal(bodies.length, 3);
    assert.equal(new Set(bodies.map(({ id }) => id)).size, 1);
    assert.deepEqual(lines, []);
  });

  it('that refuses is told to the log once, without its secret, until it works again', async () => {
    answer = status(404);
    const one = webhook();
    one.send(alert());
    one.send(alert({ key: 'default/8' }));
    await resultsAre(2);
    assert.deepEqual([results, bodies.length], [['failed', 'failed'], 2], 'no use in trying again');
    assert.equal(warnings().length, 1);
    assert.match(lines.join(''), /status 404/);
    answer = status(200);
    one.send(alert({ key: 'default/9' }));
    await resultsAre(3);
    assert.match(lines.at(-1) ?? '', /works again/);
    assert.ok(!lines.join('').includes(SECRET));
  });

  it('that does not work leaves the alert to another agent', async () => {
    answer = status(503);
    const same = alert();
    webhook('a1', { maxRetries: 1 }).send(same);
    await resultsAre(1);
    assert.deepEqual([results, bodies.length], [['failed'], 2]);
    answer = status(200);
    webhook('a2').send(same);
    await resultsAre(2);
    assert.equal(results[1], 'delivered');
  });

  it('is not followed elsewhere: the secret is for one host', async () => {
    answer = (response) => response.writeHead(302, { location: '/elsewhere' }).end();
    webhook().send(alert());
    await resultsAre(1);
    assert.deepEqual([results, bodies.length], [['failed'], 1]);
  });

  it('that never answers holds up nobody: too many alerts are dropped, and closing cuts', async () => {
    answer = () => undefined;
    const one = webhook('a1', { timeout: 60_000 });
    for (let index = 0; index < 103; index += 1) one.send(alert({ key: `default/${index}` }));
    await resultsAre(2);
    assert.deepEqual(results, ['dropped', 'dropped'], 'one is under way and 100 wait');
    await eventually('the first request', () => bodies.length === 1);
    await one.close();
    assert.equal(bodies.length, 1);
  });

  it('that is too slow counts as failed', async () => {
    answer = () => undefined;
    webhook('a1', { timeout: 100, maxRetries: 1 }).send(alert());
    await resultsAre(1);
    assert.deepEqual([results, bodies.length], [['failed'], 2]);
    assert.match(lines.join(''), /did not answer within 100 ms/);
  });
});
