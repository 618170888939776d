/**
 * The key space. Everything of ours lies below `<prefix>:interlock:`; BullMQ's keys lie below
 * `<prefix>:<queue>:`. On Redis Cluster the prefix carries a hash tag, `{bull}`, so that all keys
 * of one script are in one slot.
 */
export class Keys {
  constructor(readonly prefix: string) {}

  /** Hash: a lease with its holder. Ends by itself when it is not renewed. */
  lease(name: string): string {
    return this.own(`lease:${name}`);
  }

  /** Hash, field = lease name: the last fencing token given. Never ends. */
  get fences(): string {
    return this.own('fences');
  }

  /** Set: names of leases that may exist, so that listing them needs no scan. */
  get leaseIndex(): string {
    return this.own('leases');
  }

  /** Stream: decisions, capped. */
  get decisions(): string {
    return this.own('decisions');
  }

  /** Hash, field = agent id: who the agents are. */
  get agents(): string {
    return this.own('agents');
  }

  /** Hash, field = job type: fencing tokens of the runs of types with a uniqueness rule. */
  get runFences(): string {
    return this.own('run-fences');
  }

  /** Hash: what the scheduler knows of one schedule. */
  schedule(name: string): string {
    return this.own(`schedule:${name}`);
  }

  /** Hash, field = stream name: whether it should run. */
  get wantedStreams(): string {
    return this.own('wanted-streams');
  }

  /** Hash, field = stream name: the row that its holder shows. */
  get streamRows(): string {
    return this.own('stream-rows');
  }

  /** BullMQ's hash of a job. */
  job(queue: string, id: string): string {
    return `${this.prefix}:${queue}:${id}`;
  }

  /** BullMQ's lock of a job that runs. */
  jobLock(queue: string, id: string): string {
    return `${this.job(queue, id)}:lock`;
  }

  /** BullMQ's key that makes a deduplication id unique. */
  deduplication(queue: string, id: string): string {
    return `${this.prefix}:${queue}:de:${id}`;
  }

  /** One of BullMQ's keys of a queue: `delayed`, `events`, `meta` … */
  queue(queue: string, part: string): string {
    return `${this.prefix}:${queue}:${part}`;
  }

  private own(rest: string): string {
    return `${this.prefix}:interlock:${rest}`;
  }
}
