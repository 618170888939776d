import { Job, type IRedisClient, type JobsOptions, type Queue } from 'bullmq';
import * as z from 'zod';
import { InterlockError } from '../common/errors.ts';
import { JsonText, type JsonValue } from '../common/json.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import type { BullmqCall, ScriptArgument } from '../redis/scripts.ts';

/** All that `Job.addJob` uses of a client. */
const redisClient = z.custom<IRedisClient>(
  (value) => typeof value === 'object' && value !== null && 'runCommand' in value,
);

const REPROCESS_KEYS = [
  ...['$job', 'events', 'failed', 'wait', 'meta', 'active', 'marker', 'prioritized', 'pc'],
];

/** Which argument of the scripts that add a job is its payload. */
const PAYLOAD_ARGUMENT = 1;

const MOVE_TO_ACTIVE_KEYS = [
  ...['wait', 'active', 'prioritized', 'events', 'stalled', 'limiter', 'delayed', 'paused', 'meta'],
  ...['pc', 'marker'],
];

const DRAIN_KEYS = ['wait', 'paused', 'delayed', 'prioritized', 'repeat'];

/** BullMQ defines its scripts as commands of the connection, which keeps their text. */
const definedScript = z.object({ lua: z.string(), numberOfKeys: z.number().int() });

interface Recorded {
  name: string;
  args: unknown[];
}

/**
 * What BullMQ would send to Redis, so that a script of ours can do it together with a decision.
 * BullMQ itself makes the arguments: `Job.addJob` takes the client to send with, and ours only
 * takes down what it is given.
 */
export class BullmqCalls {
  private readonly scripts = new Map<string, z.infer<typeof definedScript>>();
  private readonly addKeys = new Map<string, readonly string[]>();
  private recorded: Recorded | undefined;
  private readonly client: IRedisClient;

  constructor(private readonly redis: RedisClient) {
    this.client = redisClient.parse({
      runCommand: (name: string, args: unknown[]) => {
        this.recorded = { name, args };
        // What BullMQ would do with an answer has no use. A promise of its own for each call: one for
        // all of them would keep everything that waits for it.
        return new Promise(() => undefined);
      },
    });
  }

  /** The call that adds a job. @throws Error for options that BullMQ refuses */
  async ofAdd(
    queue: Queue,
    type: string,
    data: JsonValue | JsonText,
    options: JobsOptions,
  ): Promise<BullmqCall> {
    this.recorded = undefined;
    const isText = data instanceof JsonText;
    const job = new Job(queue, type, isText ? null : data, options, options.jobId);
    // Up to the sending everything is synchronous.
    const sent = job.addJob(this.client);
    const command = this.taken();
    // Options that are refused reject here.
    if (command === undefined) {
      await sent;
      throw unexpected('it sent nothing');
    }
    const { name, args } = command;
    const { lua, numberOfKeys } = this.scriptOf(name);
    let keys = this.addKeys.get(name);
    if (keys === undefined) {
      keys = args.slice(0, numberOfKeys).map((key) => keyPart(key, queue.toKey('')));
      this.addKeys.set(name, keys);
    }
    const own = args.slice(numberOfKeys).map(scriptArgument);
    if (isText) putPayload(own, data);
    return { name, lua, keys, args: own };
  }

  /** The call that puts a finished job back into its queue, its attempts as new. */
  ofReprocess(jobId: string, lifo: boolean): BullmqCall {
    const name = this.nameOf('reprocessJob');
    return {
      ...{ name, lua: this.scriptOf(name).lua, keys: REPROCESS_KEYS },
      args: [jobId, lifo ? 'RPUSH' : 'LPUSH', 'failedReason', 'failed', '1', '0'],
    };
  }

  /** The call that removes what waits in a queue. @param queuePrefix such as `bull:default:` */
  ofDrain(queuePrefix: string, delayed: boolean): BullmqCall {
    const name = this.nameOf('drain');
    const args = [queuePrefix, delayed ? '1' : '0'];
    return { name, lua: this.scriptOf(name).lua, keys: DRAIN_KEYS, args };
  }

  /** The script that takes the next job of a queue; what it is called with is made where it is called. */
  ofMoveToActive(): BullmqCall {
    const name = this.nameOf('moveToActive');
    return { name, lua: this.scriptOf(name).lua, keys: MOVE_TO_ACTIVE_KEYS, args: [] };
  }

  private taken(): Recorded | undefined {
    return this.recorded;
  }

  /** BullMQ's version is part of the names of its commands. */
  private nameOf(script: string): string {
    const name = Object.keys(this.redis.scriptsSet).find((one) => one.startsWith(`${script}:`));
    if (name === undefined) throw unexpected(`its script ${script} is not there`);
    return name;
  }

  private scriptOf(name: string): z.infer<typeof definedScript> {
    const known = this.scripts.get(name);
    if (known !== undefined) return known;
    const defined: unknown = Reflect.get(this.redis.scriptsSet, name);
    const script = definedScript.safeParse(defined);
    if (!script.success) throw unexpected(`its script ${name} is not there`);
    this.scripts.set(name, script.data);
    return script.data;
  }
}

/** BullMQ made its arguments for a job without a payload. */
function putPayload(args: ScriptArgument[], { text }: JsonText): void {
  if (args[PAYLOAD_ARGUMENT] !== 'null') throw unexpected('its payload stands elsewhere');
  args[PAYLOAD_ARGUMENT] = text;
}

function keyPart(key: unknown, queuePrefix: string): string {
  if (typeof key === 'string' && key.startsWith(queuePrefix)) return key.slice(queuePrefix.length);
  throw unexpected(`its key ${String(key)} is not of the queue`);
}

function scriptArgument(value: unknown): ScriptArgument {
  if (typeof value === 'string' || typeof value === 'number' || Buffer.isBuffer(value))
    return value;
  throw unexpected(`it sends a ${typeof value}`);
}

function unexpected(what: string): InterlockError {
  return new InterlockError({
    code: 'internal',
    message: `This version of BullMQ adds jobs in a way that Interlock does not know: ${what}.`,
    remedy: 'Use the version of BullMQ that this version of Interlock was built with.',
  });
}
