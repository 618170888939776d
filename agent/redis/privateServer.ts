import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import * as path from 'node:path';
import { Redis } from 'ioredis';
import { sleep, type Clock } from '../common/clock.ts';
import { InterlockError, messageOf } from '../common/errors.ts';
import { socketFolder } from '../protocol/stateFolder.ts';
import { withExclusiveFile } from '../state/exclusiveFile.ts';
import { findRedisServer, installCommand } from './redisServerBinary.ts';

const START_DEADLINE_MS = 10_000;
/** A server that listens and answers nothing for that long is frozen, or under far too much load. */
const ANSWER_DEADLINE_MS = 5_000;
const POLL_INTERVAL_MS = 25;
const LAST_LOG_LINES = 5;

/** Clients of ours name themselves so; the keeper counts them. */
export const CLIENT_NAME_PREFIX = 'interlock';
export const KEEPER_CLIENT_NAME = `${CLIENT_NAME_PREFIX}-keeper`;

export function privateSocketPath(stateFolder: string): string {
  return path.join(socketFolder(stateFolder), 'redis.sock');
}

/**
 * Makes sure that the private Redis of a state folder runs: one that is there already is used,
 * else one is started. A keeper process ends it when no client of ours has been there for a while.
 * @throws InterlockError `redis_missing` when no server program is on this machine,
 *   `redis_unreachable` when it does not start, or is there and does not answer
 */
export async function ensurePrivateServer(
  stateFolder: string,
  clock: Clock,
  env: NodeJS.ProcessEnv = process.env,
  usualFolders?: string[],
): Promise<string> {
  const socketPath = privateSocketPath(stateFolder);
  if (!(await isThere(stateFolder, socketPath, clock))) {
    // Redis takes a socket away from a server that listens on it: only one process may start one.
    mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
    const lockFile = path.join(stateFolder, 'redis.starting');
    await withExclusiveFile(lockFile, clock, START_DEADLINE_MS, async () => {
      if (await isThere(stateFolder, socketPath, clock)) return;
      const binary = findRedisServer(env, usualFolders);
      if (binary === undefined) throw redisMissing();
      await startServer(binary, stateFolder, socketPath, clock);
    });
  }
  await ensureKeeper(socketPath);
  return socketPath;
}

/**
 * Ends the private server if no other client of ours uses it. The data stays on disk.
 * @param ownName client names that begin with it are ours and do not count
 */
export async function shutdownIfUnused(socketPath: string, ownName: string): Promise<boolean> {
  const redis = connectOnce(socketPath);
  try {
    await redis.connect();
    if ((await countClients(redis, ownName)) > 0) return false;
    await endServer(redis);
    return true;
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}

/**
 * Ends a private server. Its append-only file is written and synced on the way; a snapshot beside
 * it is not needed, and could fail where its folder was removed.
 */
export async function endServer(redis: Redis): Promise<void> {
  const info = await redis.info('server');
  // Redis closes the connection instead of answering.
  await redis.shutdown('NOSAVE').catch(() => undefined);
  const pid = Number(/^process_id:(\d+)/m.exec(info)?.[1]);
  const refused = redis.status === 'ready' && (await redis.ping().catch(() => '')) === 'PONG';
  if (refused && Number.isInteger(pid)) process.kill(pid, 'SIGKILL');
}

/** Clients of ours that are connected, without the keeper and without those of `exceptName`. */
export async function countClients(redis: Redis, exceptName: string): Promise<number> {
  const list = String(await redis.client('LIST'));
  const names = [...list.matchAll(/ name=(\S*)/g)].map((match) => match[1] ?? '');
  return names.filter(
    (name) =>
      name.startsWith(CLIENT_NAME_PREFIX) &&
      !name.startsWith(KEEPER_CLIENT_NAME) &&
      !name.startsWith(exceptName),
  ).length;
}

function connectOnce(socketPath: string): Redis {
  const redis = new Redis({
    path: socketPath,
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
  });
  redis.on('error', () => undefined);
  return redis;
}

/** Whether a Redis answers there. One that still loads its data counts: it is on its way. */
async function answers(socketPath: string): Promise<boolean> {
  const redis = connectOnce(socketPath);
  try {
    await redis.connect();
    await redis.ping();
    return true;
  } catch (error) {
    return messageOf(error).startsWith('LOADING');
  } finally {
    redis.disconnect();
  }
}

/**
 * Whether the server runs. One that is frozen is there: a second one on its files would ruin them.
 * @throws InterlockError `redis_unreachable` when it listens and does not answer
 */
async function isThere(stateFolder: string, socketPath: string, clock: Clock): Promise<boolean> {
  const deadline = clock.monotonic() + ANSWER_DEADLINE_MS;
  while (await isListenedAt(socketPath)) {
    if (await answers(socketPath)) return true;
    if (clock.monotonic() > deadline) {
      throw new InterlockError({
        code: 'redis_unreachable',
        message: `The private Redis at ${socketPath} is there and does not answer.`,
        remedy: `Look at the load of this machine and at ${path.join(stateFolder, 'redis.log')}, or end that redis-server.`,
      });
    }
    await sleep(clock, POLL_INTERVAL_MS);
  }
  return false;
}

function isListenedAt(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const end = (listened: boolean) => {
      socket.destroy();
      resolve(listened);
    };
    socket.once('connect', () => end(true));
    socket.once('error', (error) => end(!/ENOENT|ECONNREFUSED|ENOTSOCK/.test(error.message)));
  });
}

function redisMissing(): InterlockError {
  return new InterlockError({
    code: 'redis_missing',
    message:
      'No Redis address is set, and neither redis-server nor valkey-server is on this machine.',
    remedy: `Install one: ${installCommand(process.platform)}. Or set "redis.url" in interlock.config.json.`,
  });
}

async function startServer(
  binary: string,
  stateFolder: string,
  socketPath: string,
  clock: Clock,
): Promise<void> {
  const dataFolder = path.join(stateFolder, 'redis');
  const logFile = path.join(stateFolder, 'redis.log');
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  mkdirSync(path.dirname(socketPath), { recursive: true, mode: 0o700 });
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(binary, serverArguments(socketPath, dataFolder), {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: dataFolder,
  });
  closeSync(log);
  let ended: string | undefined;
  child.once('error', (error) => (ended = messageOf(error)));
  child.once(
    'exit',
    (code, signal) => (ended = `it ended with ${signal ?? `code ${code ?? '?'}`}`),
  );
  child.unref();

  const deadline = clock.monotonic() + START_DEADLINE_MS;
  while (!(await answers(socketPath))) {
    if (ended !== undefined || clock.monotonic() > deadline) {
      throw notStarted(binary, ended ?? 'it did not answer in time', logFile);
    }
    await sleep(clock, POLL_INTERVAL_MS);
  }
}

function serverArguments(socketPath: string, dataFolder: string): string[] {
  return [
    ...['--port', '0'],
    ...['--unixsocket', socketPath, '--unixsocketperm', '700'],
    ...['--dir', dataFolder],
    ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''],
    ...['--maxmemory-policy', 'noeviction'],
    ...['--daemonize', 'no'],
  ];
}

function notStarted(binary: string, why: string, logFile: string): InterlockError {
  const lines = readFileSync(logFile, 'utf8').trim().split('\n').slice(-LAST_LOG_LINES);
  return new InterlockError({
    code: 'redis_unreachable',
    message: `The private Redis (${binary}) did not start: ${why}.\n${lines.join('\n')}`,
    remedy: `Read ${logFile}, or set "redis.url" in interlock.config.json to use another server.`,
  });
}

/** Starts the keeper unless one is connected: it may have been killed on its own. */
async function ensureKeeper(socketPath: string): Promise<void> {
  const redis = connectOnce(socketPath);
  try {
    await redis.connect();
    const list = String(await redis.client('LIST'));
    if (list.includes(` name=${KEEPER_CLIENT_NAME}`)) return;
  } catch {
    // Still loading: a second keeper does no harm, it leaves with the server.
  } finally {
    redis.disconnect();
  }
  spawn(process.execPath, [keeperProgram(), socketPath], {
    detached: true,
    stdio: 'ignore',
    // What is preloaded into every process of the user's has no business in the keeper.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: '' },
  }).unref();
}

/** Beside this bundle; for code that runs from its source, in the folder of the last build. */
function keeperProgram(): string {
  const beside = path.join(__dirname, 'redisKeeper.js');
  return existsSync(beside) ? beside : path.join(__dirname, '..', '..', 'dist', 'redisKeeper.js');
}
