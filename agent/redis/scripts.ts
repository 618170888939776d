import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import type { Redis } from 'ioredis';
import { messageOf } from '../common/errors.ts';

/** Scripts are files, in `lua/` beside this file, both in the sources and in dist. */
const LUA_FOLDER = path.join(__dirname, 'lua');

export type ScriptName =
  | 'acquireLease'
  | 'renewLease'
  | 'releaseLease'
  | 'recordRefusal'
  | 'recordAccepted'
  | 'reserveDeduplication'
  | 'claimSlot'
  | 'confirmSlot';

interface Script {
  source: string;
  sha1: string;
}

/** Runs our Lua scripts by their hash, and loads them where Redis does not know them. */
export class Scripts {
  private readonly loaded = new Map<ScriptName, Script>();

  constructor(private readonly redis: Redis) {}

  /** @returns what the script returned: parse it */
  async run(name: ScriptName, keys: string[], args: (string | number)[]): Promise<unknown> {
    const script = this.load(name);
    try {
      return await this.redis.evalsha(script.sha1, keys.length, ...keys, ...args);
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      return this.redis.eval(script.source, keys.length, ...keys, ...args);
    }
  }

  private load(name: ScriptName): Script {
    const known = this.loaded.get(name);
    if (known !== undefined) return known;
    const source = readFileSync(path.join(LUA_FOLDER, `${name}.lua`), 'utf8');
    const script = { source, sha1: createHash('sha1').update(source).digest('hex') };
    this.loaded.set(name, script);
    return script;
  }
}
