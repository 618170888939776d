import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { CORE_SCHEMA, load, mergeTag } from 'js-yaml';
import * as z from 'zod';
import { EXIT } from '../../../agent/cli/exitCodes.ts';
import { buildProgram } from '../../../agent/cli/program.ts';
import { metricNames } from '../../../agent/metrics/metricText.ts';
import { PROJECT_ROOT } from '../../harness/workspace.ts';
import { FakeIo } from '../agent/cli/fakeIo.ts';

const FOLDER = path.join(PROJECT_ROOT, 'examples', 'production');
const UNITS = readdirSync(path.join(FOLDER, 'systemd'));
const ROLES = ['api', 'calls', 'scheduler', 'worker'];
/** An agent ends within 5 s; a service manager has to wait longer. */
const LEAST_STOP_S = 10;

/** What systemd knows, of what stands here: a typing error would be ignored by it. */
const DIRECTIVES: Record<string, string[]> = {
  Unit: ['Description', 'After', 'Wants', 'StartLimitIntervalSec'],
  Service: [
    ...['Type', 'User', 'Group', 'WorkingDirectory', 'EnvironmentFile', 'Environment'],
    ...['StateDirectory', 'StateDirectoryMode', 'ExecStart', 'Restart', 'RestartSec', 'KillMode'],
    ...['TimeoutStopSec', 'LimitNOFILE', 'NoNewPrivileges', 'PrivateTmp', 'ProtectHome'],
    'ProtectSystem',
  ],
  Install: ['WantedBy'],
};

/** `Section.Key` and its values, of the format that systemd reads. @throws Error with the line */
function parseUnit(text: string): Map<string, string[]> {
  const entries = new Map<string, string[]>();
  let section = '';
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const heading = /^\[(\w+)\]$/.exec(line)?.[1];
    if (heading !== undefined) {
      section = heading;
      continue;
    }
    const [, key = '', value = ''] = /^(\w+)=(\S.*)$/.exec(line) ?? [];
    if (DIRECTIVES[section]?.includes(key) !== true) throw new Error(`[${section}] ${line}`);
    const name = `${section}.${key}`;
    entries.set(name, [...(entries.get(name) ?? []), value]);
  }
  return entries;
}

const one = (unit: Map<string, string[]>, name: string): string => {
  const values = unit.get(name) ?? [];
  assert.equal(values.length, 1, `${name} is there ${values.length} times`);
  return values[0] ?? '';
};
const units = UNITS.map((file) => ({
  file,
  unit: parseUnit(readFileSync(path.join(FOLDER, 'systemd', file), 'utf8')),
}));
const environmentOf = (unit: Map<string, string[]>) =>
  new Map(
    (unit.get('Service.Environment') ?? []).map((text) => {
      const [name = '', value = ''] = text.split('=');
      return [name, value] as const;
    }),
  );

/** Whether `interlock` takes these arguments. @returns its flags with their values */
function assertTaken(args: string[]): Map<string, string> {
  const program = buildProgram({ io: new FakeIo(), exitCode: EXIT.done });
  const [name, ...rest] = args;
  const command = program.commands.find((candidate) => candidate.name() === name);
  assert.ok(command !== undefined, `interlock ${name}`);
  const flags = new Map<string, string>();
  for (let index = 0; index < rest.length; index += 1) {
    const flag = rest[index] ?? '';
    const option = command.options.find(({ long }) => long === flag);
    assert.ok(option !== undefined, `interlock ${name} ${flag}`);
    if (option.required) index += 1;
    flags.set(flag, option.required ? (rest[index] ?? '') : '');
    assert.notEqual(flags.get(flag), undefined);
  }
  return flags;
}

/** Every variable of ours that stands in the program. */
function assertKnownVariables(names: Iterable<string>): void {
  const text = sourcesIn(path.join(PROJECT_ROOT, 'agent'))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  for (const name of names) {
    assert.ok(text.includes(`'${name}'`), `nothing reads ${name}`);
  }
}

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.join(entry.parentPath, entry.name));
}

describe('the systemd units', () => {
  it('are one for each role, started as the command takes it', () => {
    const roles = units.map(({ file, unit }) => {
      const [node, program = '', ...args] = one(unit, 'Service.ExecStart').split(' ');
      assert.equal(node, '/usr/bin/node', 'systemd wants the whole path');
      assert.match(program, /^\/\S+\/dist\/cli\.js$/);
      const flags = assertTaken(args);
      assert.equal(args[0], 'agent');
      assert.equal(flags.get('--workspace'), one(unit, 'Service.WorkingDirectory'));
      const role = flags.get('--role') ?? '';
      assert.match(file, new RegExp(`^interlock-${role}@?\\.service$`));
      return role;
    });
    assert.deepEqual(roles.sort(), ROLES);
  });

  it('give each agent a folder and a port of its own', () => {
    const folders = new Set<string>();
    const ports = new Set<string>();
    for (const { file, unit } of units) {
      const environment = environmentOf(unit);
      assertKnownVariables(environment.keys());
      const folder = environment.get('INTERLOCK_STATE_DIR') ?? '';
      assert.equal(folder, `%S/${one(unit, 'Service.StateDirectory')}`);
      assert.equal(one(unit, 'Service.StateDirectoryMode'), '0700');
      folders.add(folder);
      const port = environment.get('INTERLOCK_METRICS_PORT') ?? '';
      ports.add(port);
      const isTemplate = file.includes('@');
      assert.equal(folder.includes('%i') && port.endsWith('%i'), isTemplate, file);
      assert.match(port.replace('%i', '9'), /^\d{4}$/);
    }
    assert.deepEqual([folders.size, ports.size], [units.length, units.length]);
  });

  it('let an agent end in order, and start it again', () => {
    for (const { unit } of units) {
      assert.equal(one(unit, 'Service.KillMode'), 'mixed', 'handlers would get SIGTERM as well');
      assert.ok(Number(one(unit, 'Service.TimeoutStopSec')) >= LEAST_STOP_S);
      assert.equal(one(unit, 'Service.Restart'), 'always');
      assert.equal(one(unit, 'Unit.StartLimitIntervalSec'), '0');
      assert.equal(one(unit, 'Install.WantedBy'), 'multi-user.target');
      assert.equal(one(unit, 'Service.NoNewPrivileges'), 'yes');
    }
  });

  it('are read strictly: what systemd does not know is found', () => {
    assert.throws(() => parseUnit('[Service]\nExecStrat=/bin/true'), /ExecStrat/);
    assert.throws(() => parseUnit('Type=exec'), /Type/);
    assert.throws(() => parseUnit('[Service]\nType='), /Type/);
  });
});

const serviceSchema = z.strictObject({
  image: z.string(),
  command: z.array(z.string()),
  restart: z.literal('unless-stopped'),
  environment: z.record(z.string(), z.string()).optional(),
  working_dir: z.string().optional(),
  user: z.string().optional(),
  init: z.boolean().optional(),
  stop_grace_period: z.string().optional(),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.string() })).optional(),
  volumes: z.array(z.string()),
  tmpfs: z.array(z.string()).optional(),
  healthcheck: z.strictObject({
    test: z.tuple([z.literal('CMD')], z.string()),
    interval: z.string(),
    timeout: z.string(),
    start_period: z.string().optional(),
  }),
});
const composeSchema = z.strictObject({
  name: z.string(),
  'x-agent': z.unknown(),
  'x-environment': z.unknown(),
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.null()),
});

describe('the compose file', () => {
  const text = readFileSync(path.join(FOLDER, 'compose.yaml'), 'utf8');
  const compose = composeSchema.parse(load(text, { schema: CORE_SCHEMA.withTags(mergeTag) }));
  const agents = Object.entries(compose.services).filter(([name]) => name !== 'redis');

  it('has one service for each role, started as the command takes it', () => {
    assert.deepEqual(
      agents.map(([, { environment }]) => environment?.['SERVICE_ROLE']).sort(),
      ROLES,
    );
    for (const [name, service] of agents) {
      assert.equal(service.environment?.['SERVICE_ROLE'], name);
      assertKnownVariables(Object.keys(service.environment));
      const [node, program = '', ...args] = service.command;
      assert.deepEqual([node, args], ['node', ['agent']]);
      assertTaken(args);
      const [, healthNode, healthProgram, ...healthArgs] = service.healthcheck.test;
      assert.deepEqual([healthNode, healthProgram], ['node', program]);
      assertTaken(healthArgs);
      assert.equal(service.image, 'node:lts');
      assert.equal(service.init, true);
      assert.ok(parseInt(service.stop_grace_period ?? '') >= LEAST_STOP_S);
      const stateFolder = service.environment['INTERLOCK_STATE_DIR'] ?? '?';
      assert.ok(service.tmpfs?.some((one) => one.startsWith(`${stateFolder}:`)));
      assert.deepEqual(service.depends_on, { redis: { condition: 'service_healthy' } });
    }
  });

  it('has a Redis that keeps jobs', () => {
    const redis = compose.services['redis'];
    const command = redis?.command.join(' ') ?? '';
    assert.match(command, /^redis-server .*--appendonly yes .*--maxmemory-policy noeviction$/);
    const [volume = ''] = redis?.volumes[0]?.split(':') ?? [];
    assert.ok(volume in compose.volumes, 'its data outlives it');
    for (const [, { environment }] of agents) {
      assert.equal(new URL(environment?.['REDIS_URL'] ?? '').hostname, 'redis');
    }
  });
});

describe('the guide to production', () => {
  const text = readFileSync(path.join(PROJECT_ROOT, 'docs', 'production.md'), 'utf8');
  const named = (pattern: RegExp) => new Set([...text.matchAll(pattern)].map(([, name]) => name));

  it('explains every figure once, and none that is not there', () => {
    const names: string[] = metricNames();
    const rows = [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name ?? '');
    const explained = rows.filter((name) => /^(interlock|process)_/.test(name));
    assert.deepEqual(explained.sort(), [...names].sort());
    for (const name of named(/\b((?:interlock|process)_\w+)/g)) {
      assert.ok(names.includes(name ?? ''), `${name} is no figure`);
    }
  });

  it('names files that are there, and variables that something reads', () => {
    for (const link of named(/\]\(([^)#]+)\)/g)) {
      assert.ok(existsSync(path.join(PROJECT_ROOT, 'docs', link ?? '')), link);
    }
    for (const file of named(/(examples\/production\/[\w./-]*\w)/g)) {
      assert.ok(existsSync(path.join(PROJECT_ROOT, file ?? '')), file);
    }
    assertKnownVariables([...named(/`((?:INTERLOCK|SERVICE|REDIS)_[A-Z_]+)`/g)].map(String));
    for (const unit of named(/ (interlock-\w+)(?=@\d| |$)/gm)) {
      assert.ok(
        UNITS.some((file) => file.startsWith(`${unit}`)),
        unit,
      );
    }
  });
});
