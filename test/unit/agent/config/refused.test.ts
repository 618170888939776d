import assert from 'node:assert/strict';
import {
  assertProblem,
  HANDLER,
  JOB,
  parse,
  parseText,
  refusal,
  SCHEDULE,
  STREAM,
} from './configFixture.ts';

const job = (more: object) => ({ jobs: { sync: { ...JOB, ...more } } });
const schedule = (more: object) => ({ schedules: { chain: { job: 'sync', ...more } } });
const stream = (more: object) => ({ streams: { nse: { ...STREAM, ...more } } });
const unique = (more: object) => job({ unique: { by: [], ...more } });

const queue = (more: object) => ({ queues: { default: more } });

const DURATION = /duration.*"30s"/;
const NO_SUCH = /no such setting/;

/** A section that is wrong; the path, the value and the expectation that the message must have. */
const CASES: [what: string, sections: object, path: string, value: unknown, expected: RegExp][] = [
  ['unknown section', { sectoin: 1 }, 'sectoin', 1, NO_SUCH],
  ['unknown key of redis', { redis: { host: 'x' } }, 'redis.host', 'x', NO_SUCH],
  ['unknown key of a job', job({ handlr: 'x' }), 'jobs.sync.handlr', 'x', NO_SUCH],
  ['unknown key of unique', unique({ on: 'x' }), 'jobs.sync.unique.on', 'x', NO_SUCH],
  ['unknown key of lease', job({ lease: { tttl: 5 } }), 'jobs.sync.lease.tttl', 5, NO_SUCH],
  [
    'unknown key of a schedule',
    schedule({ every: '5s', evry: 1 }),
    'schedules.chain.evry',
    1,
    NO_SUCH,
  ],
  ['unknown key of a stream', stream({ symbol: 'x' }), 'streams.nse.symbol', 'x', NO_SUCH],
  ['unknown key of batch', stream({ batch: { max: 5 } }), 'streams.nse.batch.max', 5, NO_SUCH],
  ['unknown key of scheduler', { scheduler: { cicle: 5 } }, 'scheduler.cicle', 5, NO_SUCH],
  [
    '__proto__ as a section',
    JSON.parse('{"__proto__":{"x":1}}') as object,
    '__proto__',
    { x: 1 },
    NO_SUCH,
  ],
  [
    ...(['unknown key of retry', job({ retry: { max: 1, intervals: ['1s'], wait: 5 } })] as const),
    ...(['jobs.sync.retry.wait', 5, NO_SUCH] as const),
  ],
  ['unknown key of a queue', queue({ limit: 5 }), 'queues.default.limit', 5, NO_SUCH],
  [
    'limits of a queue without jobs',
    { queues: { lo: {} } },
    'queues.lo',
    {},
    /queue of a job type/,
  ],
  [
    'rate limit without a time',
    queue({ rateLimit: { max: 5, per: 0 } }),
    'queues.default.rateLimit.per',
    0,
    /at least 1 ms/,
  ],
  ['no concurrency', queue({ concurrency: 0 }), 'queues.default.concurrency', 0, />0/],

  [
    'bad duration',
    job({ lease: { ttl: '5 parsecs' } }),
    'jobs.sync.lease.ttl',
    '5 parsecs',
    DURATION,
  ],
  ['negative duration', { scheduler: { cycle: -5 } }, 'scheduler.cycle', -5, DURATION],
  ['duration of another kind', { scheduler: { cycle: true } }, 'scheduler.cycle', true, DURATION],
  [
    'bad duration in a union',
    schedule({ every: 'soon' }),
    'schedules.chain.every',
    'soon',
    DURATION,
  ],
  ['lease of no length', job({ lease: { ttl: 0 } }), 'jobs.sync.lease.ttl', 0, /at least/],
  [
    'lease longer than timers',
    job({ lease: { ttl: '30d' } }),
    'jobs.sync.lease.ttl',
    '30d',
    /at most/,
  ],
  ['lock of no length', { scheduler: { lockTtl: 0 } }, 'scheduler.lockTtl', 0, /at least/],
  [
    'lock longer than timers',
    { scheduler: { lockTtl: '30d' } },
    'scheduler.lockTtl',
    '30d',
    /at most/,
  ],
  ['cycle without a pause', { scheduler: { cycle: 0 } }, 'scheduler.cycle', 0, /at least/],
  [
    'wait longer than timers',
    stream({ batch: { maxWait: '30d' } }),
    'streams.nse.batch.maxWait',
    '30d',
    /at most/,
  ],

  ['missing handler', { jobs: { sync: {} } }, 'jobs.sync.handler', undefined, /expected string/],
  [
    'missing handler file',
    job({ handler: './no.ts' }),
    'jobs.sync.handler',
    './no.ts',
    /file that exists.*no\.ts/,
  ],
  [
    'missing adapter file',
    stream({ adapter: './no.ts' }),
    'streams.nse.adapter',
    './no.ts',
    /file that exists/,
  ],
  [
    'missing authority of a stream',
    stream({ url: 'wss://feed/ticks', tls: { caFile: './no.pem' } }),
    'streams.nse.tls.caFile',
    './no.pem',
    /file that exists/,
  ],
  [
    'certificate of a stream without its key',
    stream({ url: 'wss://feed/ticks', tls: { certFile: './package.json' } }),
    'streams.nse.tls',
    { certFile: './package.json' },
    /"certFile" and "keyFile" together/,
  ],
  [
    'certificate for a stream without TLS',
    stream({ tls: {} }),
    'streams.nse.tls',
    {},
    /begins with "wss"/,
  ],
  [
    'limits shared by nobody known',
    stream({ limits: { sharedBy: 'me' } }),
    'streams.nse.limits.sharedBy',
    'me',
    /"all"\|"host"/,
  ],
  ['folder as a handler', job({ handler: '.' }), 'jobs.sync.handler', '.', /file that exists/],
  ['job name with a colon', { jobs: { 'a:b': JOB } }, 'jobs.a:b', JOB, /name without ":"/],
  [
    'queue name with a colon',
    job({ queue: 'a:b' }),
    'jobs.sync.queue',
    'a:b',
    /queue name without ":"/,
  ],
  ['no concurrency', job({ concurrency: 0 }), 'jobs.sync.concurrency', 0, />0/],
  ['half a process', job({ processes: 1.5 }), 'jobs.sync.processes', 1.5, /int/],
  [
    'unknown isolation',
    job({ isolation: 'vm' }),
    'jobs.sync.isolation',
    'vm',
    /"process"\|"thread"\|"inline"/,
  ],
  [
    'unknown conflict rule',
    unique({ onConflict: 'x' }),
    'jobs.sync.unique.onConflict',
    'x',
    /"skip"/,
  ],
  [
    'retry without waits',
    job({ retry: { max: 3 } }),
    'jobs.sync.retry',
    { max: 3 },
    /intervals.*backoff.*delay/,
  ],
  ['empty path of unique', job({ unique: { by: [''] } }), 'jobs.sync.unique.by.0', '', />=1/],

  [
    'unknown job in a schedule',
    schedule({ job: 'x', every: '5s' }),
    'schedules.chain.job',
    'x',
    /job type.*\(sync\)/,
  ],
  [
    'inherited name as a job',
    schedule({ job: 'toString', every: '5s' }),
    'schedules.chain.job',
    'toString',
    /job type/,
  ],
  [
    'both every and cron',
    schedule({ every: '5s', cron: '* * * * *' }),
    'schedules.chain',
    { job: 'sync', every: '5s', cron: '* * * * *' },
    /either "every" or "cron"/,
  ],
  [
    'neither every nor cron',
    schedule({}),
    'schedules.chain',
    { job: 'sync' },
    /either "every" or "cron"/,
  ],
  [
    'interval too short',
    schedule({ every: '10ms' }),
    'schedules.chain.every',
    '10ms',
    /at least "1s"/,
  ],
  [
    'too short a dynamic interval',
    schedule({ every: { min: '10ms', max: '1m' } }),
    'schedules.chain.every.min',
    '10ms',
    /at least "1s"/,
  ],
  [
    'bounds the wrong way round',
    schedule({ every: { min: '10m', max: '30s' } }),
    'schedules.chain.every.max',
    '30s',
    /not below "min"/,
  ],
  [
    'a limit without what it limits',
    schedule({ every: '5s', catchUpLimit: 5 }),
    'schedules.chain.catchUpLimit',
    5,
    /"missed": "catch-up"/,
  ],
  [
    'cron that never comes',
    schedule({ cron: '0 0 30 2 *' }),
    'schedules.chain.cron',
    '0 0 30 2 *',
    /cron pattern/,
  ],
  [
    'bad cron',
    schedule({ cron: '61 * * * *' }),
    'schedules.chain.cron',
    '61 * * * *',
    /cron pattern/,
  ],
  ['empty cron', schedule({ cron: '' }), 'schedules.chain.cron', '', /cron pattern/],
  [
    'bad time zone',
    schedule({ cron: '0 3 * * *', timezone: 'Asia/Atlantis' }),
    'schedules.chain.timezone',
    'Asia/Atlantis',
    /IANA time zone/,
  ],

  ['unknown job in a stream', stream({ job: 'x' }), 'streams.nse.job', 'x', /job type.*\(sync\)/],
  [
    'stream URL that is none',
    stream({ url: 'http://x' }),
    'streams.nse.url',
    'http://x',
    /ws:\/\/ or wss:\/\//,
  ],
  [
    'stream URL without a host',
    stream({ url: 'ws://' }),
    'streams.nse.url',
    'ws://',
    /ws:\/\/ or wss:\/\//,
  ],
  ['stream without symbols', stream({ symbols: [] }), 'streams.nse.symbols', [], />=1/],
  ['negative retries', stream({ maxRetries: -1 }), 'streams.nse.maxRetries', -1, />=0/],

  [
    'Redis URL that is none',
    { redis: { url: 'localhost:6379' } },
    'redis.url',
    'localhost:6379',
    /redis:\/\//,
  ],
  [
    'Redis URL with a bad port',
    { redis: { url: 'redis://x:99999' } },
    'redis.url',
    'redis://x:99999',
    /redis:\/\//,
  ],
  ['empty prefix', { redis: { prefix: '' } }, 'redis.prefix', '', />=1/],
];

describe('a config is refused with path, value and expectation for', () => {
  for (const [what, sections, path, value, expected] of CASES) {
    it(what, () =>
      assertProblem(
        refusal(() => parse(sections)),
        path,
        value,
        expected,
      ),
    );
  }

  it('several problems at once, all of them named', () => {
    const error = refusal(() =>
      parse({ redis: { host: 'x' }, scheduler: { cycle: 'soon' }, ...stream({ url: 'x' }) }),
    );
    assert.match(error.message, /3 problems/);
    assertProblem(error, 'redis.host', 'x', NO_SUCH);
    assertProblem(error, 'scheduler.cycle', 'soon', DURATION);
    assertProblem(error, 'streams.nse.url', 'x', /ws:/);
  });

  it('two streams of one name, which JSON would make one in silence', () => {
    const one = JSON.stringify(STREAM);
    const text = `{ "jobs": { "sync": ${JSON.stringify(JOB)} }, "streams": { "nse": ${one}, "nse": ${one} } }`;
    assertProblem(
      refusal(() => parseText(text)),
      'streams.nse',
      STREAM,
      /each name once/,
    );
  });

  it('a key that stands twice at any depth', () => {
    const text = `{ "jobs": { "sync": { "handler": "${HANDLER}", "retry": { "max": 1, "max": 2 } } } }`;
    assertProblem(
      refusal(() => parseText(text)),
      'jobs.sync.retry.max',
      2,
      /each name once/,
    );
  });

  it('text that is not JSON, with line and column', () => {
    const error = refusal(() => parseText('{\n  "jobs": { nonsense }\n}'));
    assert.match(error.message, /not JSON.*line 2, column 13/s);
    assert.match(error.remedy ?? '', /comments and trailing commas are allowed/);
  });

  for (const text of ['', '   \n', '// nothing but a comment']) {
    it(`an empty file: ${JSON.stringify(text)}`, () => {
      assert.match(refusal(() => parseText(text)).message, /not JSON/);
    });
  }

  for (const text of ['[]', '5', 'null', '"text"']) {
    it(`a file that holds ${text}`, () => {
      assert.match(refusal(() => parseText(text)).message, /\(file\) = .*expected object/);
    });
  }
});

describe('a config is taken', () => {
  it('with comments, trailing commas and a byte order mark', () => {
    const text = `\uFEFF// ours\n{ "jobs": { /* one */ "sync": { "handler": "${HANDLER}", }, }, }`;
    assert.deepEqual(Object.keys(parseText(text).jobs), ['sync']);
  });

  it('that is empty: everything has its default', () => {
    const config = parseText('{}');
    assert.deepEqual(config.scheduler, { cycle: 60_000, lockTtl: 90_000 });
    assert.deepEqual(config.redis, { prefix: 'bull' });
    assert.deepEqual([config.jobs, config.schedules, config.streams], [{}, {}, {}]);
  });

  it('with every kind of address of a Redis', () => {
    for (const url of [
      'redis://h',
      'rediss://u:p@h:1/2',
      'unix:///tmp/r.sock',
      '/tmp/r.sock',
      'redis://[::1]:6379',
    ]) {
      assert.equal(parse({ redis: { url } }).redis.url, url);
    }
  });

  it('with durations as milliseconds and as text, whole in the end', () => {
    const schedules = { a: { ...SCHEDULE, every: 1_500.4 }, b: { ...SCHEDULE, every: '1.5m' } };
    const config = parse({ schedules });
    assert.deepEqual([config.schedules['a']?.every, config.schedules['b']?.every], [1_500, 90_000]);
  });
});
