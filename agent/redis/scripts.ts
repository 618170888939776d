import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { messageOf } from '../common/errors.ts';
import type { RedisClient } from './redisClient.ts';

/** Scripts are files, in `lua/` beside this file, both in the sources and in dist. */
const LUA_FOLDER = path.join(__dirname, 'lua');

/** A line that stands for the file of that name in `lua/includes/`. */
const INCLUDE = /^-- @include (\w+)$/gm;

/** A line that stands for a script of BullMQ. */
const BULLMQ = /^ *-- @bullmq$/m;

/** A line that stands for the keys of that script: a list of expressions with our `prefix` in them. */
const BULLMQ_KEYS = /^ *-- @bullmqKeys$/m;

export type ScriptName =
  | 'acquireLease'
  | 'renewLease'
  | 'releaseLease'
  | 'revokeLease'
  | 'revokeRun'
  | 'releaseUniqueKey'
  | 'readLeases'
  | 'readUniqueKeys'
  | 'enqueue'
  | 'requeueJob'
  | 'drainQueue'
  | 'countDrained'
  | 'claimJob'
  | 'beginRun'
  | 'recordRuns'
  | 'readActiveJobs'
  | 'takeOverJob'
  | 'findOrphanDedup'
  | 'removeOrphanDedup'
  | 'removeOrphanAdmission'
  | 'removeOrphanRun'
  | 'removeDeadAgent'
  | 'beginSchedule'
  | 'claimSlot'
  | 'confirmSlot'
  | 'pauseSchedule'
  | 'resumeSchedule'
  | 'skipSlot'
  | 'readJobSchedulers'
  | 'writeStreamPlan'
  | 'passLease'
  | 'takeVenueTurn'
  | 'countVenueTurn'
  | 'renewVenuePlaces'
  | 'removeVenuePlaces'
  | 'writeStreamEntries'
  | 'removeStreamEntries'
  | 'removeStaleStreamEntries'
  | 'writeStoryResource'
  | 'readTime'
  | 'checkPermissions';

interface Script {
  source: string;
  sha1: string;
}

/** What Redis takes as an argument of a command. */
export type ScriptArgument = string | number | Buffer;

/** A script of BullMQ, with what it is called with. */
export interface BullmqCall extends BullmqScript {
  args: ScriptArgument[];
}

export interface BullmqScript {
  /** Such as `addStandardJob:6.7.0`. */
  name: string;
  /** Its Lua text: the one of the BullMQ that is installed. */
  lua: string;
  /**
   * Its keys without '<prefix>:<queue>:', which are the same for all jobs of all queues. `$job`: the
   * hash of the job.
   */
  keys: readonly string[];
}

/** Runs our Lua scripts by their hash, and loads them where Redis does not know them. */
export class Scripts {
  /** By name; with a script of BullMQ in it, by both. */
  private readonly loaded = new Map<string, Script>();

  constructor(private readonly redis: RedisClient) {}

  /** @returns what the script returned: parse it */
  run(name: ScriptName, keys: string[], args: ScriptArgument[]): Promise<unknown> {
    return this.evaluate(this.load(name), keys, args);
  }

  /**
   * Runs a script of ours that has one of BullMQ's in it, so that a decision and its effect are one
   * step. BullMQ's arguments come first, then ours. Its keys are made in the script: to
   * send them with each call would cost as much as all the rest.
   * @returns what our script returned: parse it
   */
  runAround(
    name: ScriptName,
    call: BullmqCall,
    keys: string[],
    args: ScriptArgument[],
  ): Promise<unknown> {
    return this.evaluate(this.load(name, call), keys, [...call.args, ...args]);
  }

  private async evaluate(script: Script, keys: string[], args: ScriptArgument[]): Promise<unknown> {
    try {
      return await this.redis.evalsha(script.sha1, keys.length, ...keys, ...args);
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      return this.redis.eval(script.source, keys.length, ...keys, ...args);
    }
  }

  private load(name: ScriptName, bullmq?: BullmqScript): Script {
    const id = bullmq === undefined ? name : `${name}/${bullmq.name}`;
    const known = this.loaded.get(id);
    if (known !== undefined) return known;
    const source = readLua(`${name}.lua`)
      .replace(INCLUDE, (_line, include: string) => readLua(`includes/${include}.lua`))
      .replace(BULLMQ, () => bullmq?.lua ?? '')
      .replace(BULLMQ_KEYS, () => (bullmq?.keys ?? []).map(luaKey).join(', '));
    const script = { source, sha1: createHash('sha1').update(source).digest('hex') };
    this.loaded.set(id, script);
    return script;
  }
}

function luaKey(key: string): string {
  return key === '$job' ? 'prefix .. jobId' : `prefix .. ${JSON.stringify(key)}`;
}

function readLua(file: string): string {
  return readFileSync(path.join(LUA_FOLDER, file), 'utf8');
}
