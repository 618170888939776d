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

  /** Stream, capped: names of leases that were given back, so that those who wait look at once. */
  get releases(): string {
    return this.own('releases');
  }

  /** Text with TTL: the agent that looks for orphans in the whole key space now. */
  get reaperTurn(): string {
    return this.own('reaper-turn');
  }

  /** Stream: decisions, capped. */
  get decisions(): string {
    return this.own('decisions');
  }

  /** Text with TTL: the agent that tells the webhook of an alert. */
  alertClaim(id: string): string {
    return this.own(`alert:${id}`);
  }

  /** Text with TTL: the agent that records that a job stalled. @param eventId of BullMQ's event */
  stallClaim(queue: string, eventId: string): string {
    return this.own(`stall:${queue}:${eventId}`);
  }

  /** Hash, field = agent id: who the agents are. */
  get agents(): string {
    return this.own('agents');
  }

  /** List: jobs, as `queue/id`, that others give to this agent for a debugger. Ends with the wish for them. */
  debugOffers(agentId: string): string {
    return this.own(`debug-offers:${agentId}`);
  }

  /** Hash, field = job type: fencing tokens of the runs of types with a uniqueness rule. */
  get runFences(): string {
    return this.own('run-fences');
  }

  /** Sorted set of job ids, score Redis ms: who holds a place under `maxConcurrent` of a type. */
  admitted(type: string): string {
    return this.own(`admitted:${type}`);
  }

  /**
   * Hash, field = uniqueness id, or the job id of a type without one; value = `<fence> <job id>`:
   * who runs. It counts while BullMQ's lock of that job exists.
   */
  running(type: string): string {
    return this.own(`running:${type}`);
  }

  /** Stream: runs that ended, capped by number and age. */
  get history(): string {
    return this.own('history');
  }

  /** Hash: what the scheduler knows of one schedule. */
  schedule(name: string): string {
    return this.own(`schedule:${name}`);
  }

  /** List, capped: what the last slots of one schedule came to, as JSON, newest first. */
  scheduleSlots(name: string): string {
    return this.own(`schedule-slots:${name}`);
  }

  /** Stream, capped: who held the scheduler's lock, from when to when. */
  get schedulerLeaders(): string {
    return this.own('scheduler-leaders');
  }

  /** Hash, field = stream name: whether it should run. */
  get wantedStreams(): string {
    return this.own('wanted-streams');
  }

  /** Hash: which symbol of a stream is in which shard, with a revision that grows. */
  streamPlan(stream: string): string {
    return this.own(`stream-plan:${stream}`);
  }

  /** Hash, field = symbol: the number of its last tick that was enqueued; '' = the job of that batch. */
  streamProgress(lease: string): string {
    return this.own(`stream-progress:${lease.slice('stream:'.length)}`);
  }

  /** Stream, capped: what agents ask of each other about streams. */
  get streamAsks(): string {
    return this.own('stream-asks');
  }

  /**
   * Hash, field = shard: who runs it, as JSON with the time of its last heartbeat. Ends when no shard
   * has a heartbeat for long.
   */
  streamEntries(stream: string): string {
    return this.own(`stream-entries:${stream}`);
  }

  /** Sorted set: attempts to connect to a venue, by the time at which it counted them. */
  venueTurns(venue: string): string {
    return this.own(`venue-turns:${venue}`);
  }

  /** Sorted set: connections to a venue that are open, by the time at which they end if not renewed. */
  venuePlaces(venue: string): string {
    return this.own(`venue-places:${venue}`);
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
