import assert from 'node:assert/strict';
import { applyEnvironment } from '../../../../agent/config/environment.ts';
import { assertProblem, HANDLER, parse, refusal } from './configFixture.ts';

const SECRET = 'T0P-SECRET';
const webhookOf = (webhook: object) => ({ alerts: { webhook } });
const apply = (sections: object, env: NodeJS.ProcessEnv) => applyEnvironment(parse(sections), env);

describe('metrics in the config', () => {
  it('are off, and on one port of loopback when they are wanted', () => {
    assert.equal(parse({}).metrics, undefined);
    assert.deepEqual(parse({ metrics: {} }).metrics, { host: '127.0.0.1', port: 9464 });
    for (const host of ['::1', 'localhost', '127.0.0.5']) {
      assert.equal(parse({ metrics: { host } }).metrics?.host, host);
    }
  });

  it('are refused on a network interface, with the reason', () => {
    for (const host of ['0.0.0.0', '::', '10.0.0.7', 'example.com', '127.0.0.1.example.com']) {
      const error = refusal(() => parse({ metrics: { host } }));
      assertProblem(error, 'metrics.host', host, /listens on no network interface/);
    }
  });

  it('have the port that the environment says, also where the config has none', () => {
    const port = (sections: object, text: string) => {
      const { config, problems } = apply(sections, { INTERLOCK_METRICS_PORT: text });
      assert.deepEqual(problems, []);
      return config.metrics;
    };
    assert.deepEqual(port({}, '9500'), { host: '127.0.0.1', port: 9500 });
    assert.deepEqual(port({ metrics: { host: '::1' } }, '0'), { host: '::1', port: 0 });
    assert.equal(port({ metrics: {} }, 'off'), undefined);
    assert.equal(port({ metrics: {} }, ' ')?.port, 9464);
    for (const text of ['65536', '-1', '1.5', 'on']) {
      const { problems } = apply({}, { INTERLOCK_METRICS_PORT: text });
      assert.equal(problems[0]?.path, 'environment variable INTERLOCK_METRICS_PORT', text);
    }
  });
});

describe('telemetry in the config', () => {
  it('is a file that has to be there', () => {
    const error = refusal(() => parse({ telemetry: './nowhere.ts' }));
    assertProblem(error, 'telemetry', './nowhere.ts', /a file that exists/);
    assert.equal(parse({ telemetry: HANDLER }).telemetry, HANDLER);
  });
});

describe('the webhook in the config', () => {
  it('takes secrets from the environment, encoded in a URL, as they are in a header', () => {
    const { config, problems } = apply(
      webhookOf({
        url: 'https://hooks.example/${env:HOOK}/x',
        headers: { authorization: 'Bearer ${env:HOOK}' },
      }),
      { HOOK: 'a/b c' },
    );
    assert.deepEqual(problems, []);
    assert.equal(config.alerts.webhook?.url, 'https://hooks.example/a%2Fb%20c/x');
    assert.deepEqual(config.alerts.webhook.headers, { authorization: 'Bearer a/b c' });
    assert.equal(config.alerts.webhook.timeout, 5_000);
  });

  it('may be a variable as a whole', () => {
    const whole = webhookOf({ url: '${env:HOOK}' });
    const good = apply(whole, { HOOK: 'https://hooks.example/a/b?c=d' });
    assert.equal(good.config.alerts.webhook?.url, 'https://hooks.example/a/b?c=d');
    const { problems } = apply(whole, { HOOK: `ftp://${SECRET}` });
    assert.equal(problems[0]?.path, 'alerts.webhook.url');
    assert.ok(!JSON.stringify(problems).includes(SECRET));
  });

  it('names the variable that is not set', () => {
    const url = 'https://h/${env:NOT_SET}';
    const { problems } = apply(webhookOf({ url, headers: { 'x-key': '${env:NOR_THIS}' } }), {});
    assert.deepEqual(
      problems.map((one) => [one.path, one.expected]),
      [
        ['alerts.webhook.url', 'the environment variable NOT_SET, which is not set'],
        ['alerts.webhook.headers.x-key', 'the environment variable NOR_THIS, which is not set'],
      ],
    );
  });

  it('is refused when it is no address of the web', () => {
    for (const url of ['hooks.example', 'ws://h', 'file:///x']) {
      const error = refusal(() => parse(webhookOf({ url })));
      assertProblem(error, 'alerts.webhook.url', url, /begins with http/);
    }
  });
});
